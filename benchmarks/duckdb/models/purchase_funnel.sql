{#- Ordered, best entry. Of the chains that have reached a step, the one that began last has the most time left, so each step
    asks for the newest event of the step before: its chain is the best one. The start of a chain never runs backwards.
    Steps that share a moment count in their own order. -#}
{%- set steps = ['page_view', 'calculator_started', 'calculator_completed', 'sign_up', 'charge'] -%}
with
steps as (
    select person_id, event_name as step, event_at
    from {{ ref('person_events') }}
    where event_name in ('{{ steps[:-1] | join("', '") }}')
    union all
    select person_id, 'charge', event_at from {{ ref('revenue_lines') }}
    where event_type = 'charge' and person_id is not null
),

reached_1 as (
    select distinct person_id, event_at, event_at as entered_at from steps where step = '{{ steps[0] }}'
),
{% for step in steps[1:] %}
reached_{{ loop.index + 1 }} as (
    select
        steps.person_id,
        steps.event_at,
        before.entered_at
    from (select distinct person_id, event_at from steps where step = '{{ step }}') as steps
    asof inner join reached_{{ loop.index }} as before
        on steps.person_id = before.person_id and steps.event_at >= before.event_at
    where steps.event_at - before.entered_at <= interval '{{ var("purchase_window_days") }} days'
),
{% endfor %}

people as (
    {%- for step in steps %}
    select {{ loop.index }} as step_number, '{{ step }}' as step, count(distinct person_id) as people
    from reached_{{ loop.index }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from people
