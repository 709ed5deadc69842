{#- The three marts about calculators count the same errors; the table by step leaves out those that name no step. -#}
with
counts as (
    select
        calculator,
        started_date,
        country,
        errors as by_run,
        0 as by_code,
        0 as by_code_on_steps,
        0 as by_step
    from {{ ref('calculator_usage') }}
    union all
    select
        calculator,
        started_date,
        country,
        0 as by_run,
        errors as by_code,
        if(step_number > 0, errors, 0) as by_code_on_steps,
        0 as by_step
    from {{ ref('calculator_errors') }}
    union all
    select
        calculator,
        started_date,
        country,
        0 as by_run,
        0 as by_code,
        0 as by_code_on_steps,
        errors as by_step
    from {{ ref('calculator_steps') }}
)

select
    calculator,
    started_date,
    country
from counts
group by calculator, started_date, country
having sum(by_run) != sum(by_code) or sum(by_code_on_steps) != sum(by_step)
