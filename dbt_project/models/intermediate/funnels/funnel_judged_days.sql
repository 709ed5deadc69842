{{ config(order_by='(funnel, entry_date)') }}

with
finished_days as (
    select
        steps.funnel as funnel,
        reporting_days.day as entry_date,
        max(reporting_days.day) over (partition by steps.funnel) as last_date
    from {{ ref('declared_funnels') }} as steps
    cross join {{ ref('reporting_days') }} as reporting_days
    cross join {{ ref('reporting_period') }} as reporting_period
    where steps.step = 1 and {{ funnel_day_is_complete('reporting_days.day', 'steps.window_ms', 'reporting_period') }}
)

select
    -- strings
    funnel,
    -- booleans
    entry_date > last_date - {{ var('bottleneck_days') }} as is_judged,
    -- dates
    entry_date,
    last_date
from finished_days
where entry_date > last_date - {{ var('bottleneck_days') }} - {{ var('bottleneck_benchmark_days') }}
