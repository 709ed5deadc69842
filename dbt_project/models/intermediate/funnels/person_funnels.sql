{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(funnel, person_id, entry_date)',
    meta={'decided_by': ['funnel_declarations']}
) }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('declared_funnels') }}
{% set sources = {
    'events': of_changed_people(ref('person_events')),
    'revenue': of_changed_people(ref('person_revenue_events')),
    'sessions': of_changed_people(ref('person_sessions')),
} %}

{#- macros/funnels writes one query per declared funnel; the first member names the columns where none is declared. -#}
with
chains as (
    select
        '' as funnel,
        '' as person_id,
        map()::Map(String, String) as breakdown_values,
        toUInt8(0) as furthest_step,
        toUInt32(0) as steps_done,
        false as is_excluded,
        false as is_best,
        toDate(0) as entry_date,
        toDateTime64(0, 3, 'UTC') as entered_at,
        toDateTime64(0, 3, 'UTC') as window_ends_at,
        []::Array(Nullable(DateTime64(3, 'UTC'))) as step_times
    where false
    {% for plan in funnel_plans() %}
    union all
    {{ funnel_query(plan, sources) }}
    {% endfor %}
)

select
    -- ids
    funnel,
    person_id,
    -- strings
    breakdown_values,
    -- numbers
    furthest_step,
    steps_done,
    -- booleans
    is_excluded,
    is_best,
    -- dates
    entry_date,
    -- timestamps
    entered_at,
    window_ends_at,
    step_times
from chains
