{{ config(order_by='(period_type, period_start, dimension, dimension_value, comparison)') }}

{#- A quantile of a period is one of its requests, not a mean of its days or countries. References are mostly windows of
    other periods, so each stretch of days is read once, and its state merged into every window that it belongs to. -#}
{%- set shares = [0.5, 0.95] %}
with
windows as (
    select * from {{ ref('kpi_windows') }}
    where has({{ request_dimensions() }}, dimension) and (comparison = 'current' or is_inside)
),

stretches as (
    select distinct
        cell_dimension,
        cell_value,
        from_day,
        until_day
    from windows
),

stretch_days as (
    select
        *,
        from_day + arrayJoin(range(toUInt32(until_day - from_day + 1))) as day
    from stretches
),

stretch_latencies as (
    select
        stretch_days.cell_dimension as cell_dimension,
        stretch_days.cell_value as cell_value,
        stretch_days.from_day as from_day,
        stretch_days.until_day as until_day,
        {{ exact_quantiles_state(shares, 'durations.latency_ms', 'durations.requests') }} as latencies
    from stretch_days
    inner join {{ ref('request_durations') }} as durations
        on
            stretch_days.cell_dimension = durations.dimension
            and stretch_days.cell_value = durations.dimension_value
            and stretch_days.day = durations.day
    group by cell_dimension, cell_value, from_day, until_day
),

merged as (
    select
        windows.period_type as period_type,
        windows.period_start as period_start,
        windows.dimension as dimension,
        windows.dimension_value as dimension_value,
        windows.comparison as comparison,
        {{ merged_quantiles(shares, 'stretch_latencies.latencies') }} as quantiles
    from windows
    inner join stretch_latencies
        on
            windows.cell_dimension = stretch_latencies.cell_dimension
            and windows.cell_value = stretch_latencies.cell_value
            and windows.from_day = stretch_latencies.from_day
            and windows.until_day = stretch_latencies.until_day
    group by period_type, period_start, dimension, dimension_value, comparison
)

select
    -- strings
    period_type,
    dimension,
    dimension_value,
    comparison,
    -- numbers
    quantiles[1] as latency_p50_ms,
    quantiles[2] as latency_p95_ms,
    -- dates
    period_start
from merged
