{{ config(order_by='minute_at') }}

with
recent_events as (
    select
        toStartOfMinute(events.event_at) as minute_at,
        events.event_date as traffic_date,
        count() as events,
        countIf(events.event_name = 'page_view') as page_views,
        uniqExact(events.person_id) as active_people
    from {{ ref('person_events') }} as events
    where
        events.event_date
        > (select as_of_date from {{ ref('reporting_period') }}) - {{ var('traffic_minutely_days') }}
    group by minute_at, traffic_date
),

recent_sessions as (
    select
        toStartOfMinute(started_at) as minute_at,
        count() as sessions_started
    from {{ ref('person_sessions') }}
    where
        session_date
        > (select as_of_date from {{ ref('reporting_period') }}) - {{ var('traffic_minutely_days') }}
    group by minute_at
)

select
    -- numbers
    cast(recent_events.events as UInt64) as events,
    cast(recent_events.page_views as UInt64) as page_views,
    cast(recent_events.active_people as UInt64) as active_people,
    cast(coalesce(recent_sessions.sessions_started, 0) as UInt64) as sessions_started,
    -- dates
    cast(recent_events.traffic_date as Date) as traffic_date,
    -- timestamps
    cast(recent_events.minute_at as DateTime('UTC')) as minute_at
from recent_events
left join recent_sessions on recent_events.minute_at = recent_sessions.minute_at
