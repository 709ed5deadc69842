{{ config(order_by='(source_table, event_date)') }}

{#- A copy of the view, so that its search for repeats in all raw tables runs once a build. -#}
select
    -- strings
    source_table,
    -- numbers
    events,
    deliveries,
    late_events,
    p50_delay_ms,
    p99_delay_ms,
    -- lists
    empty_columns,
    -- dates
    event_date,
    -- timestamps
    newest_received_at
from {{ ref('stg_delivery_days') }}
