{#- No run is dropped at two steps, and none is open at two. The table by step may hold fewer of them: a run may have
    reached a step on which nobody ever did anything. -#}
with
counts as (
    select
        calculator,
        started_date,
        country,
        abandons as abandoned_runs,
        open_runs,
        0 as dropped_at_steps,
        0 as open_at_steps
    from {{ ref('calculator_usage') }}
    union all
    select
        calculator,
        started_date,
        country,
        0 as abandoned_runs,
        0 as open_runs,
        dropped_runs as dropped_at_steps,
        open_runs as open_at_steps
    from {{ ref('calculator_steps') }}
)

select
    calculator,
    started_date,
    country
from counts
group by calculator, started_date, country
having sum(dropped_at_steps) > sum(abandoned_runs) or sum(open_at_steps) > sum(open_runs)
