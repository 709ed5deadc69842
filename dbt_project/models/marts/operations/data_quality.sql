{{ config(order_by='(quality_date, source_table, check_name, column_name)') }}

with
source_days as (
    select
        source_table,
        day,
        is_partial,
        greatest(events, toUInt64(floor(coalesce(expected_events, 0)))) as compared_events,
        least_expected_events,
        most_expected_events,
        arrayJoin(arrayConcat(
            [
                ('volume', '', toNullable(toFloat64(events)), expected_events, compared_events),
                ('freshness_hours', '', silent_ms / 3600000, null, 1),
                ('repeat_rate', '', (deliveries - events) / nullIf(deliveries, 0), null, deliveries),
                ('late_rate', '', if(p50_delay_ms is null, null, late_events / events), null, events),
                ('wrong_clock_rate', '', if(p50_delay_ms is null, null, wrong_clock_events / events), null, events),
                ('delay_p50_seconds', '', p50_delay_ms / 1000, null, events),
                ('delay_p99_seconds', '', p99_delay_ms / 1000, null, events),
                ('reject_rate', '', rejects / nullIf(rejects + deliveries, 0), null, rejects + deliveries),
                ('file_reject_rate', '', file_rejects / nullIf(file_rows, 0), null, file_rows)
            ],
            arrayMap(empties -> ('empty_rate', empties.1, empties.2 / nullIf(events, 0), null, events), empty_columns)
        )) as reading
    from {{ ref('source_days') }}
),

unfinished as (
    select distinct day from {{ ref('source_days') }}
    where is_partial
),

identities as (
    select
        {{ reporting_date('first_identified_at') }} as day,
        count() as devices,
        countIf(is_conflict) as conflicts
    from {{ ref('user_identities') }}
    group by day
),

readings as (
    select
        source_table,
        day,
        is_partial,
        reading.1 as check_name,
        reading.2 as column_name,
        reading.3 as value,
        reading.4 as expected,
        least_expected_events as least_expected,
        most_expected_events as most_expected,
        reading.5 as sample_count
    from source_days
    where reading.3 is not null
    union all
    select
        'user_events' as source_table,
        day,
        day in (select unfinished.day from unfinished) as is_partial,
        'identity_conflict_rate' as check_name,
        '' as column_name,
        conflicts / devices as value,
        null as expected,
        null as least_expected,
        null as most_expected,
        devices as sample_count
    from identities
    union all
    select
        'revenue_events' as source_table,
        day,
        day in (select unfinished.day from unfinished) as is_partial,
        'unrated_lines' as check_name,
        '' as column_name,
        unrated_lines as value,
        null as expected,
        null as least_expected,
        null as most_expected,
        lines as sample_count
    from {{ ref('unrated_lines_daily') }}
),

limited as (
    select
        readings.source_table as source_table,
        readings.day as day,
        readings.is_partial as is_partial,
        readings.check_name as check_name,
        readings.column_name as column_name,
        readings.value as value,
        readings.expected as expected,
        readings.sample_count as sample_count,
        checks.minimum_count as minimum_count,
        sources.has_daily_volume as has_daily_volume,
        checks.lower_limit * if(checks.is_relative, readings.least_expected, 1) as lower_limit,
        if(
            readings.check_name = 'freshness_hours',
            sources.warn_after_hours,
            checks.upper_limit * if(checks.is_relative, readings.most_expected, 1)
        ) as upper_limit,
        if(
            readings.check_name = 'freshness_hours' and readings.value <= sources.error_after_hours,
            'warning',
            checks.severity
        ) as severity_of_breach
    from readings
    inner join {{ ref('quality_checks') }} as checks on readings.check_name = checks.check_name
    inner join {{ ref('quality_sources') }} as sources on readings.source_table = sources.source_table
),

judged as (
    select
        *,
        sample_count >= minimum_count
        and not (check_name = 'volume' and (is_partial or not has_daily_volume))
        and (coalesce(value < lower_limit, false) or coalesce(value > upper_limit, false)) as is_breach
    from limited
)

select
    -- strings
    cast(source_table as String) as source_table,
    cast(check_name as String) as check_name,
    cast(column_name as String) as column_name,
    cast(if(is_breach, severity_of_breach, 'none') as String) as severity,
    -- numbers
    cast(value as Float64) as value,
    cast(expected as Nullable(Float64)) as expected,
    cast(lower_limit as Nullable(Float64)) as lower_limit,
    cast(upper_limit as Nullable(Float64)) as upper_limit,
    cast(sample_count as UInt64) as sample_count,
    -- booleans
    cast(is_breach as Bool) as is_breach,
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(day as Date) as quality_date
from judged
