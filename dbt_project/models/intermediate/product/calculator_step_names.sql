{{ config(materialized='view') }}

select
    -- strings
    calculator,
    argMax(step_name, (newest_run, step_name)) as step_name,
    -- numbers
    step_number
from {{ ref('calculator_step_days') }}
group by calculator, step_number
