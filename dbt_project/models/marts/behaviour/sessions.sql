{{ config(materialized='view') }}

select
    -- ids
    cast(session_id as UUID) as session_id,
    cast(person_id as String) as person_id,
    -- strings
    cast(channel as String) as channel,
    cast(utm_source as String) as utm_source,
    cast(utm_medium as String) as utm_medium,
    cast(utm_campaign as String) as utm_campaign,
    cast(referrer_host as String) as referrer_host,
    cast(entry_page as String) as entry_page,
    cast(country as String) as country,
    cast(device_type as String) as device_type,
    -- numbers
    cast(events as UInt64) as events,
    cast(page_views as UInt64) as page_views,
    cast(duration_seconds as Float64) as duration_seconds,
    -- booleans
    cast(is_bounce as Bool) as is_bounce,
    -- dates
    cast(session_date as Date) as session_date,
    -- timestamps
    cast(started_at as DateTime64(3, 'UTC')) as started_at,
    cast(ended_at as DateTime64(3, 'UTC')) as ended_at
from {{ ref('person_sessions') }}
