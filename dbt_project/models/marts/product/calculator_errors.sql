{{ config(order_by='(calculator, started_date, country, step_number, error_code)') }}

with
errors as (
    select
        calculator,
        country,
        started_date,
        calculation_id,
        arrayJoin(arrayFilter(event -> event.action = 'error', step_events)) as step_event
    from {{ ref('calculator_runs') }}
    where {{ until_as_of_date('started_date') }}
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
    -- dates
    cast(started_date as Date) as started_date
from errors
group by calculator, country, started_date, error_code, step_number
