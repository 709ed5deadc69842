{{ config(order_by='(granularity, period_start)') }}

with
bounds as (
    select
        min(day) as first_day,
        max(day) as last_day,
        maxIf(day, not is_partial) as last_finished_day
    from {{ ref('reporting_days') }}
    having count() > 0
),

periods as (
    {% for granularity in ['day', 'week', 'month'] -%}
    select distinct
        '{{ granularity }}' as granularity,
        {{ period_start(granularity, 'day') }} as period_start,
        {{ shift_period(granularity, 'period_start') }} - 1 as period_end,
        {{ shift_period(granularity, 'period_start', -1) }} as previous_period_start,
        {{ period_number(granularity, 'period_start') }} as period_number
    from {{ ref('reporting_days') }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    -- strings
    periods.granularity as granularity,
    -- numbers
    periods.period_number as period_number,
    -- booleans
    periods.period_start < bounds.first_day or periods.period_end > bounds.last_finished_day as is_partial,
    periods.previous_period_start >= bounds.first_day as is_comparable,
    -- dates
    periods.period_start as period_start,
    periods.period_end as period_end
from periods
cross join bounds
