{{ config(
    materialized=changing_table(),
    replaces='(source_table, event_date)',
    changed='recent_source_days',
    order_by='(source_table, event_date)',
    meta={'variables': ['data_quality_days', 'late_after_minutes']}
) }}
-- depends_on: {{ ref('event_changes') }}, {{ ref('stg_recent_delivery_days') }}, {{ ref('stg_delivery_days') }}
-- depends_on: {{ ref('stg_user_event_deliveries') }}

{# A copy of the view, so that its search for repeats in raw runs once; later builds copy the last days only, unless
    something came for days before these. #}
select
    -- strings
    source_table,
    -- numbers
    events,
    deliveries,
    late_events,
    wrong_clock_events,
    p50_delay_ms,
    p99_delay_ms,
    -- lists
    empty_columns,
    -- dates
    event_date,
    -- timestamps
    newest_received_at
{% if only_changes() %}
from {{ ref('stg_delivery_days') if older_deliveries_came() else ref('stg_recent_delivery_days') }} {{ mark_comment() }}
{% else %}
from {{ ref('stg_delivery_days') }}
{% endif %}
