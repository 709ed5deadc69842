{{ config(order_by='(calculator, started_date, country, step_number, error_code)') }}

with
runs as (
    select
        *,
        {{ start_of_reporting_date('started_date + 1') }} > complete_until as is_partial
    from {{ ref('calculator_runs') }}
    cross join {{ ref('reporting_period') }}
    where started_date <= as_of_date
),

errors as (
    select
        calculator,
        country,
        started_date,
        calculation_id,
        is_partial,
        arrayJoin(arrayFilter(event -> event.action = 'error', step_events)) as step_event
    from runs
)

select
    -- strings
    cast(calculator as String) as calculator,
    cast(country as String) as country,
    cast(step_event.error_code as String) as error_code,
    -- numbers
    cast(step_event.step_number as UInt8) as step_number,
    cast(count() as UInt64) as errors,
    cast(uniqExact(calculation_id) as UInt64) as failed_runs,
    -- booleans
    cast(any(errors.is_partial) as Bool) as is_partial,
    -- dates
    cast(started_date as Date) as started_date
from errors
group by calculator, country, started_date, error_code, step_number
