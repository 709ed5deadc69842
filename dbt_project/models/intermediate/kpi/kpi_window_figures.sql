{{ config(order_by='(kpi, period_type, period_start, dimension, dimension_value, comparison)') }}

{#- Every figure of the catalogue in every window: what stands above and below, and how many it rests on. A sum, the
    last day or distinct people, whichever the catalogue says of the measure. -#}
with
rules as (
    select * from {{ ref('kpi_catalogue') }}
),

measured as (
    select
        measures.period_type as period_type,
        measures.period_start as period_start,
        measures.dimension as dimension,
        measures.dimension_value as dimension_value,
        measures.comparison as comparison,
        mapFromArrays(groupArray(measures.measure), groupArray(measures.total)) as totals,
        mapFromArrays(
            groupArray(measures.measure),
            groupArray(
                multiIf(
                    rules.over_period = 'end', measures.closing,
                    rules.over_period = 'distinct', toDecimal128(measures.people, 12),
                    measures.total
                )
            )
        ) as amounts
    from {{ ref('kpi_window_measures') }} as measures
    inner join rules on measures.measure = rules.above and rules.below = ''
    group by period_type, period_start, dimension, dimension_value, comparison
),

windows as (
    select
        period_type,
        period_start,
        dimension,
        dimension_value,
        comparison,
        min(days.from_day) as from_day,
        min(days.until_day) as first_until_day,
        max(days.until_day) as until_day,
        min(days.is_inside) and max(days.is_aligned) as is_inside
    from {{ ref('kpi_windows') }} as days
    group by period_type, period_start, dimension, dimension_value, comparison
)

select
    -- strings
    rules.kpi as kpi,
    windows.period_type as period_type,
    windows.dimension as dimension,
    windows.dimension_value as dimension_value,
    windows.comparison as comparison,
    -- numbers
    arrayElement(if(rules.over_period = 'ratio_of_days', measured.totals, measured.amounts), rules.above) as above,
    arrayElement(if(rules.over_period = 'ratio_of_days', measured.totals, measured.amounts), rules.below) as below,
    toUInt64(measured.amounts[rules.counted]) as counted,
    multiIf(
        rules.kpi = 'latency_p50_ms', latency.latency_p50_ms, rules.kpi = 'latency_p95_ms', latency.latency_p95_ms, null
    ) as quantile,
    -- booleans
    windows.is_inside as is_inside,
    -- dates
    windows.period_start as period_start,
    windows.from_day as from_day,
    windows.first_until_day as first_until_day,
    windows.until_day as until_day
from windows
left join measured
    on
        windows.period_type = measured.period_type
        and windows.period_start = measured.period_start
        and windows.dimension = measured.dimension
        and windows.dimension_value = measured.dimension_value
        and windows.comparison = measured.comparison
left join {{ ref('kpi_window_latency') }} as latency
    on
        windows.period_type = latency.period_type
        and windows.period_start = latency.period_start
        and windows.dimension = latency.dimension
        and windows.dimension_value = latency.dimension_value
        and windows.comparison = latency.comparison
cross join rules
where
    windows.dimension = 'all' and (rules.drill != 'none' or windows.comparison != 'deadline')
    or rules.drill in ('all', windows.dimension)
