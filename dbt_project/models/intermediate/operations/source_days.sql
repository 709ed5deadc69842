{{ config(order_by='(source_table, day)') }}

{#- Every day of a source from its first one to the last day of any, so that a silent day has a row and a volume of 0: a
    feed that fails must not end the days on which it is missed, product events and revenue included. The first day is
    that of an event or of a rejected message: a source of which nothing was taken has rows, too. -#}
with
deliveries as (
    select * from {{ ref('delivery_days') }}
),

-- Rows that bear a day and no moment have no delay; they come by schedules of their own, some of them for days to come.
observed as (
    select
        {% if var('as_of_date') %}toDate('{{ var("as_of_date") }}'){% else %}max(event_date){% endif %} as last_date,
        max(newest_received_at) as received_until
    from deliveries
    where p50_delay_ms is not null
    having count() > 0
),

rejects as (
    select
        target_table as source_table,
        load_id,
        {{ reporting_date('rejected_at') }} as rejected_on,
        uniqExact(line_number, raw_row) as rejects
    from {{ ref('stg_load_rejects') }}
    group by source_table, load_id, rejected_on
),

files as (
    select
        target_table as source_table,
        load_id,
        {{ reporting_date('started_at') }} as loaded_on,
        rows_read
    from {{ ref('stg_load_log') }}
    where file_name != '' and status != 'running'
),

streamed_rejects as (
    select
        source_table,
        rejected_on as came_on,
        rejects,
        0 as file_rejects,
        0 as file_rows
    from rejects
    where load_id not in (select files.load_id from files)
),

rejects_of_files as (
    select
        load_id,
        sum(rejects) as rejects
    from rejects
    group by load_id
),

loaded_files as (
    select
        files.source_table as source_table,
        files.loaded_on as came_on,
        0 as rejects,
        coalesce(rejects_of_files.rejects, 0) as file_rejects,
        greatest(files.rows_read, coalesce(rejects_of_files.rejects, 0)) as file_rows
    from files
    left join rejects_of_files on files.load_id = rejects_of_files.load_id
),

came as (
    select * from streamed_rejects
    union all
    select * from loaded_files
),

-- History is loaded long after its own last day: what comes later counts on that day, or no day would tell of it.
came_by_day as (
    select
        came.source_table as source_table,
        {{ 'came.came_on' if var('as_of_date') else 'least(came.came_on, observed.last_date)' }} as day,
        sum(came.rejects) as rejects,
        sum(came.file_rejects) as file_rejects,
        sum(came.file_rows) as file_rows
    from came
    cross join observed
    group by source_table, day
),

calendar as (
    select
        spans.source_table as source_table,
        observed.received_until as received_until,
        arrayJoin(
            arrayMap(number -> spans.first_date + number, range(toUInt32(observed.last_date - spans.first_date + 1)))
        ) as day
    from (
        select
            source_table,
            min(first_day) as first_date
        from (
            select
                source_table,
                event_date as first_day
            from deliveries
            union all
            select
                source_table,
                day as first_day
            from came_by_day
            where rejects + file_rejects > 0
        ) as seen
        group by source_table
    ) as spans
    cross join observed
    where spans.first_date <= observed.last_date
),

days as (
    select
        calendar.source_table as source_table,
        calendar.day as day,
        coalesce(deliveries.events, 0) as events,
        coalesce(deliveries.deliveries, 0) as deliveries,
        coalesce(deliveries.late_events, 0) as late_events,
        coalesce(deliveries.wrong_clock_events, 0) as wrong_clock_events,
        coalesce(came_by_day.rejects, 0) as rejects,
        coalesce(came_by_day.file_rejects, 0) as file_rejects,
        coalesce(came_by_day.file_rows, 0) as file_rows,
        deliveries.p50_delay_ms as p50_delay_ms,
        deliveries.p99_delay_ms as p99_delay_ms,
        deliveries.empty_columns as empty_columns,
        least({{ start_of_reporting_date('calendar.day + 1') }}, calendar.received_until) as seen_until,
        {{ start_of_reporting_date('calendar.day + 1') }} > calendar.received_until as is_partial,
        max(deliveries.newest_received_at) over (
            partition by calendar.source_table order by calendar.day asc
        ) as newest_received_at,
        groupArray(coalesce(deliveries.events, 0)) over (
            partition by calendar.source_table
            order by calendar.day asc
            rows between {{ 7 * var('volume_weekdays') }} preceding and 1 preceding
        ) as events_before
    from calendar
    left join deliveries on calendar.source_table = deliveries.source_table and calendar.day = deliveries.event_date
    left join came_by_day on calendar.source_table = came_by_day.source_table and calendar.day = came_by_day.day
),

with_same_weekdays as (
    select
        *,
        arraySort(
            arrayFilter(
                (count, position) -> (length(events_before) - position) % 7 = 6,
                events_before,
                arrayEnumerate(events_before)
            )
        ) as same_weekdays,
        length(same_weekdays) as weekdays,
        if(
            weekdays < {{ var('volume_weekdays_minimum') }},
            null,
            (same_weekdays[intDiv(weekdays + 1, 2)] + same_weekdays[intDiv(weekdays, 2) + 1]) / 2
        ) as expected_events
    from days
)

select
    -- strings
    source_table,
    -- numbers
    events,
    deliveries,
    late_events,
    wrong_clock_events,
    rejects,
    file_rejects,
    file_rows,
    expected_events,
    if(
        expected_events is null,
        null,
        least(expected_events, toFloat64(greatest(events_before[-7], events_before[-14])))
    ) as least_expected_events,
    if(expected_events is null, null, greatest(expected_events, toFloat64(events_before[-7]))) as most_expected_events,
    p50_delay_ms,
    p99_delay_ms,
    if(
        newest_received_at is null, null, greatest(0, dateDiff('millisecond', newest_received_at, seen_until))
    ) as silent_ms,
    -- lists
    empty_columns,
    -- booleans
    is_partial,
    -- dates
    day
from with_same_weekdays
