{{ config(order_by='(started_date, calculator, country)') }}

with
runs as (
    select
        *,
        {{ calculator_outcome() }} as outcome,
        {{ start_of_reporting_date('started_date + 1') }} > complete_until as is_partial,
        {{ full_tenths('assumeNotNull(duration_ms)') }} as full_duration_ms
    from {{ ref('calculator_runs') }}
    cross join {{ ref('reporting_period') }}
    where started_date <= as_of_date
),

counted_by_duration as (
    select
        started_date,
        calculator,
        country,
        any(runs.is_partial) as is_partial,
        duration_ms is not null as is_timed,
        if(is_timed, full_duration_ms, 0) as full_duration_ms,
        count() as runs,
        countIf(has_start) as starts,
        countIf(outcome = 'completed') as completions,
        countIf(outcome = 'abandoned') as abandons,
        countIf(outcome = 'open') as open_runs,
        countIf(runs.errors > 0) as failed_runs,
        sum(runs.errors) as errors
    from runs
    group by started_date, calculator, country, is_timed, full_duration_ms
),

counted as (
    select
        started_date,
        calculator,
        country,
        any(counted_by_duration.is_partial) as is_partial,
        sum(counted_by_duration.runs) as runs,
        sum(counted_by_duration.starts) as starts,
        sum(counted_by_duration.completions) as completions,
        sum(counted_by_duration.abandons) as abandons,
        sum(counted_by_duration.open_runs) as open_runs,
        sum(counted_by_duration.failed_runs) as failed_runs,
        sum(counted_by_duration.errors) as errors,
        {{ histogram('full_duration_ms', 'counted_by_duration.runs', 'is_timed') }} as durations
    from counted_by_duration
    group by started_date, calculator, country
)

select
    -- strings
    cast(calculator as String) as calculator,
    cast(country as String) as country,
    -- runs
    cast(runs as UInt64) as runs,
    cast(starts as UInt64) as starts,
    cast(completions as UInt64) as completions,
    cast(abandons as UInt64) as abandons,
    cast(open_runs as UInt64) as open_runs,
    cast(failed_runs as UInt64) as failed_runs,
    cast(errors as UInt64) as errors,
    -- ratios
    cast(completions / nullIf(completions + abandons, 0) as Nullable(Float64)) as completion_rate,
    cast(failed_runs / nullIf(runs, 0) as Nullable(Float64)) as failed_run_rate,
    -- durations
    cast({{ histogram_quantile('durations', 50) }} as Nullable(UInt32)) as p50_duration_ms,
    cast({{ histogram_quantile('durations', 90) }} as Nullable(UInt32)) as p90_duration_ms,
    cast({{ histogram_quantile('durations', 99) }} as Nullable(UInt32)) as p99_duration_ms,
    cast(durations as Map(UInt32, UInt64)) as duration_histogram,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(started_date as Date) as started_date
from counted
