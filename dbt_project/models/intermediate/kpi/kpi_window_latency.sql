{{ config(order_by='(from_day, until_day)') }}

{#- A quantile of a period is one of its requests, not a mean of its days. References are mostly windows of other
    periods, so each stretch of days is read once. -#}
with
stretches as (
    select distinct
        from_day,
        until_day
    from {{ ref('kpi_windows') }}
    where dimension = 'all' and (comparison = 'current' or comparison in ('previous', 'year_before') and is_inside)
),

stretch_days as (
    select
        *,
        from_day + arrayJoin(range(toUInt32(until_day - from_day + 1))) as day
    from stretches
)

select
    -- numbers
    {{ exact_quantile(0.5, 'durations.latency_ms', 'durations.requests') }} as latency_p50_ms,
    {{ exact_quantile(0.95, 'durations.latency_ms', 'durations.requests') }} as latency_p95_ms,
    -- dates
    stretch_days.from_day as from_day,
    stretch_days.until_day as until_day
from stretch_days
inner join {{ ref('request_durations') }} as durations on stretch_days.day = durations.day
group by from_day, until_day
