{{ config(materialized='view') }}

select
    -- ids
    cast(session_id as UUID) as session_id,
    cast(person_id as String) as person_id,
    -- strings
    cast(channel as String) as channel,
    cast(utm_campaign as String) as campaign,
    cast(utm_source as String) as utm_source,
    cast(utm_medium as String) as utm_medium,
    cast(country as String) as country,
    cast(device_type as String) as device_type,
    -- numbers
    cast(row_number() over (partition by person_id order by started_at asc, session_id asc) as UInt64)
        as touch_position,
    -- dates
    cast(session_date as Date) as touch_date,
    -- timestamps
    cast(started_at as DateTime64(3, 'UTC')) as touched_at
from {{ ref('person_sessions') }}
