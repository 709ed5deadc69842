{{ config(materialized=changing_table(), order_by='(changed_at, source_table, event_id)') }}
-- depends_on: {{ ref('stg_deliveries') }}

{# Built whole, the log begins anew: one row without an event, so that it is never empty. #}
with
{% if only_changes() %}
deliveries as (
    select
        source_table,
        event_id,
        groupUniqArray((user_id, anonymous_id, event_date)) as versions,
        max({{ is_new_delivery() }}) as is_changed
    from {{ ref('stg_deliveries') }}
    where event_id in (select fresh.event_id from {{ ref('stg_deliveries') }} as fresh where {{ is_new_delivery() }})
    group by source_table, event_id
),

changes as (
    select
        event_id,
        tupleElement(version, 1) as user_id,
        tupleElement(version, 2) as anonymous_id,
        source_table,
        tupleElement(version, 3) as event_date
    from deliveries
    array join versions as version
    where is_changed
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
