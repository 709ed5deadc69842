{{ config(
    materialized=changing_table(),
    replaces='started_date',
    changed='changed_step_days',
    order_by='(calculator, started_date, country, step_number)',
    meta={'variables': ['calculator_abandon_minutes'], 'decided_by': ['names_of_steps']}
) }}
-- depends_on: {{ ref('event_changes') }}, {{ ref('calculator_run_events') }}

with
runs as (
    select
        *,
        {{ calculator_outcome() }} as outcome,
        {{ start_of_reporting_date('started_date + 1') }} > complete_until as is_partial,
        greatest(1, failed_step, furthest_step + (outcome != 'completed')) as reached_step
    from {{ ref('calculator_runs') }}
    cross join {{ ref('reporting_period') }}
    where
        started_date <= as_of_date
        and {{ 'started_date in (' ~ changed_step_days() ~ ')' if only_changes() else 'true' }}
),

attempts as (
    select
        calculator,
        started_date,
        country,
        is_partial,
        toUInt8(arrayJoin(range(1, reached_step + 1))) as step_number,
        step_number < reached_step or outcome = 'completed' as is_completed,
        outcome = 'open' and not is_completed as is_open,
        arrayFilter(event -> event.step_number = step_number, step_events) as own_events,
        arrayCount(event -> event.action = 'error', own_events) as errors,
        length(own_events) > errors as is_timed,
        arraySum(arrayMap(event -> toUInt64(event.duration_ms), own_events)) as time_spent_ms,
        if(is_timed, {{ full_tenths('time_spent_ms') }}, 0) as full_duration_ms
    from runs
),

counted_by_duration as (
    select
        calculator,
        started_date,
        country,
        step_number,
        is_timed,
        full_duration_ms,
        any(attempts.is_partial) as is_partial,
        count() as reached_runs,
        countIf(is_completed) as completed_runs,
        countIf(is_open) as open_runs,
        countIf(attempts.errors > 0) as failed_runs,
        countIf(attempts.errors > 0 and attempts.is_completed) as recovered_runs,
        sum(attempts.errors) as errors
    from attempts
    group by calculator, started_date, country, step_number, is_timed, full_duration_ms
),

counted as (
    select
        calculator,
        started_date,
        country,
        step_number,
        any(counted_by_duration.is_partial) as is_partial,
        sum(counted_by_duration.reached_runs) as reached_runs,
        sum(counted_by_duration.completed_runs) as completed_runs,
        sum(counted_by_duration.open_runs) as open_runs,
        sum(counted_by_duration.failed_runs) as failed_runs,
        sum(counted_by_duration.recovered_runs) as recovered_runs,
        sum(counted_by_duration.errors) as errors,
        {{ histogram('full_duration_ms', 'counted_by_duration.reached_runs', 'is_timed') }} as durations
    from counted_by_duration
    group by calculator, started_date, country, step_number
),

named as (
    select
        counted.* except (reached_runs),
        counted.reached_runs as reached_runs,
        counted.reached_runs - counted.completed_runs - counted.open_runs as dropped_runs,
        step_names.step_name as step_name
    from counted
    inner join {{ ref('calculator_step_names') }} as step_names
        on counted.calculator = step_names.calculator and counted.step_number = step_names.step_number
)

select
    -- strings
    cast(calculator as String) as calculator,
    cast(country as String) as country,
    cast(step_name as String) as step_name,
    -- runs
    cast(step_number as UInt8) as step_number,
    cast(reached_runs as UInt64) as reached_runs,
    cast(completed_runs as UInt64) as completed_runs,
    cast(dropped_runs as UInt64) as dropped_runs,
    cast(open_runs as UInt64) as open_runs,
    cast(failed_runs as UInt64) as failed_runs,
    cast(recovered_runs as UInt64) as recovered_runs,
    cast(errors as UInt64) as errors,
    -- ratios
    {{ rate_columns('completion_rate', 'completed_runs', '(completed_runs + dropped_runs)') }},
    cast(dropped_runs / nullIf(completed_runs + dropped_runs, 0) as Nullable(Float64)) as drop_off_rate,
    -- durations
    cast({{ histogram_quantile('durations', 50) }} as Nullable(UInt32)) as p50_duration_ms,
    cast({{ histogram_quantile('durations', 90) }} as Nullable(UInt32)) as p90_duration_ms,
    cast({{ histogram_quantile('durations', 99) }} as Nullable(UInt32)) as p99_duration_ms,
    cast(durations as Map(UInt32, UInt64)) as duration_histogram,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(started_date as Date) as started_date
from named
