{{ config(materialized=changing_table(), order_by='(changed_at, source_table, event_id)') }}
-- depends_on: {{ ref('stg_deliveries') }}

{# Built whole, the log begins anew: one row without an event, so that it is never empty. #}
with
{% if only_changes() %}
changes as (
    select distinct
        deliveries.event_id as event_id,
        deliveries.user_id as user_id,
        deliveries.anonymous_id as anonymous_id,
        deliveries.source_table as source_table,
        deliveries.event_date as event_date
    from {{ ref('stg_deliveries') }} as deliveries
    where (deliveries.source_table, deliveries.event_id) in (
        select
            fresh.source_table,
            fresh.event_id
        from {{ ref('stg_deliveries') }} as fresh
        where {{ is_new_delivery() }}
    )
)
{% else %}
changes as (
    select
        toUUID('00000000-0000-0000-0000-000000000000') as event_id,
        '' as user_id,
        '' as anonymous_id,
        '' as source_table,
        toDate('1970-01-01') as event_date
)
{% endif %}

select
    -- ids
    event_id,
    user_id,
    anonymous_id,
    -- strings
    source_table,
    -- dates
    event_date,
    -- timestamps
    now64(6) as changed_at
from changes
