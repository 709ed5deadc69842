{{ config(order_by='(calculator, step_number)') }}

with
step_events as (
    select
        calculator,
        calculation_id,
        started_at,
        arrayJoin(step_events) as step_event
    from {{ ref('calculator_runs') }}
)

select
    -- strings
    calculator,
    argMax(step_event.step_name, (started_at, calculation_id)) as step_name,
    -- numbers
    step_event.step_number as step_number
from step_events
where step_event.step_number > 0
group by calculator, step_number
