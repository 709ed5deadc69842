{{ config(
    materialized=changing_table(),
    replaces='started_date',
    changed='changed_run_days',
    order_by='(started_date, calculator, step_number)'
) }}
-- depends_on: {{ ref('event_changes') }}, {{ ref('calculator_run_events') }}

with
steps as (
    select
        calculator,
        started_date,
        (started_at, calculation_id) as run,
        arrayJoin(arrayDistinct(arrayZip(step_events.step_number, step_events.step_name))) as step
    from {{ ref('calculator_runs') }}
    where {{ 'started_date in (' ~ changed_run_days() ~ ')' if only_changes() else 'true' }}
)

select
    -- strings
    calculator,
    argMax(step.2, (run, step.2)) as step_name,
    -- numbers
    step.1 as step_number,
    -- dates
    started_date,
    -- runs
    max(run) as newest_run
from steps
where step.1 > 0
group by calculator, started_date, step_number
