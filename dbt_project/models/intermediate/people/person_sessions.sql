{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(person_id, started_at)',
    meta={'variables': ['session_gap_minutes']}
) }}
-- depends_on: {{ ref('person_changes') }}

with
events as (
    select * from {{ of_changed_people(ref('person_events')) }}
),

people as (
    select
        person_id,
        arraySort(groupArray((event_at, event_id, event_name = 'page_view'))) as history
    from events
    group by person_id
),

visits as (
    select
        person_id,
        arrayJoin(
            arraySplit(
                (event, previous) -> event.1 > previous.1 + toIntervalMinute({{ var('session_gap_minutes') }}),
                history,
                arrayPushFront(arrayPopBack(history), history[1])
            )
        ) as visit
    from people
),

measured as (
    select
        person_id,
        tupleElement(visit[1], 2) as session_id,
        tupleElement(visit[1], 1) as started_at,
        tupleElement(visit[-1], 1) as ended_at,
        length(visit) as events,
        arrayCount(event -> event.3, visit) as page_views
    from visits
),

with_entry as (
    select
        measured.session_id as session_id,
        measured.person_id as person_id,
        measured.started_at as started_at,
        measured.ended_at as ended_at,
        measured.events as events,
        measured.page_views as page_views,
        entries.page_path as entry_page,
        entries.country as country,
        entries.device_type as device_type,
        entries.utm_source as utm_source,
        entries.utm_medium as utm_medium,
        entries.utm_campaign as utm_campaign,
        entries.referrer_host as referrer_host
    from events as entries
    inner join measured on entries.event_id = measured.session_id
),

sources as (
    select * from {{ ref('traffic_sources') }}
)

select
    -- ids
    with_entry.session_id as session_id,
    with_entry.person_id as person_id,
    -- strings
    sources.channel as channel,
    with_entry.utm_source as utm_source,
    with_entry.utm_medium as utm_medium,
    with_entry.utm_campaign as utm_campaign,
    with_entry.referrer_host as referrer_host,
    with_entry.entry_page as entry_page,
    with_entry.country as country,
    with_entry.device_type as device_type,
    -- numbers
    with_entry.events as events,
    with_entry.page_views as page_views,
    dateDiff('millisecond', with_entry.started_at, with_entry.ended_at) / 1000 as duration_seconds,
    -- booleans
    with_entry.events = 1 as is_bounce,
    -- dates
    {{ reporting_date('with_entry.started_at') }} as session_date,
    -- timestamps
    with_entry.started_at as started_at,
    with_entry.ended_at as ended_at
from with_entry
left join sources
    on
        with_entry.utm_source = sources.utm_source
        and with_entry.utm_medium = sources.utm_medium
        and with_entry.referrer_host = sources.referrer_host
