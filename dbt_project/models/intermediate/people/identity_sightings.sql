{{ config(
    materialized=changing_table(),
    replaces='(source_table, event_date)',
    changed='changed_source_days',
    order_by='(source_table, event_date, anonymous_id, user_id)'
) }}
-- depends_on: {{ ref('event_changes') }}, {{ ref('stg_deliveries') }}
-- depends_on: {{ ref('stg_user_events') }}, {{ ref('stg_calculator_usage') }}, {{ ref('stg_revenue_events') }}
-- depends_on: {{ ref('stg_experiment_exposures') }}

{# Events that do not name both share one row a day: they say nothing about identity, but when something came. #}
with
{% for table in ['user_events', 'calculator_usage', 'revenue_events', 'experiment_exposures'] %}
{{ table }}_seen as (
    select
        '{{ table }}' as source_table,
        event_date,
        if(user_id = '', '', anonymous_id) as device,
        if(anonymous_id = '', '', user_id) as owner,
        min(event_at) as first_event_at,
        max(received_at) as newest_received_at
    from {{ events_of_changed_days(table) if only_changes() else ref('stg_' ~ table) }}
    group by event_date, device, owner
),
{% endfor %}

seen as (
    select * from user_events_seen
    union all
    select * from calculator_usage_seen
    union all
    select * from revenue_events_seen
    union all
    select * from experiment_exposures_seen
)

select
    -- ids
    device as anonymous_id,
    owner as user_id,
    -- strings
    source_table,
    -- dates
    event_date,
    -- timestamps
    first_event_at,
    newest_received_at
from seen
