{{ config(order_by='(breakdown, segment, cohort_month, months_since)') }}

{# Every customer of a cohort has money in its first month, so the cell 0 counts all of them. #}
with
grid as (
    select
        cells.breakdown as breakdown,
        cells.segment as segment,
        cells.cohort_month as cohort_month,
        cells.customers as customers,
        starts.is_partial as is_cohort_partial,
        not months.is_partial as is_mature,
        dateDiff('month', cells.cohort_month, months.period_start) as months_since
    from {{ ref('revenue_cohort_cells') }} as cells
    inner join {{ ref('reporting_periods') }} as starts on cells.cohort_month = starts.period_start
    inner join {{ ref('reporting_periods') }} as months on starts.granularity = months.granularity
    where cells.months_since = 0 and months.granularity = 'month' and months.period_start >= cells.cohort_month
),

filled as (
    select
        grid.breakdown as breakdown,
        grid.segment as segment,
        grid.cohort_month as cohort_month,
        grid.months_since as months_since,
        grid.customers as customers,
        grid.is_cohort_partial as is_cohort_partial,
        grid.is_mature as is_mature,
        coalesce(cells.active_customers, 0) as ordering_customers,
        coalesce(cells.net_revenue, 0) as exact_revenue,
        sum(coalesce(cells.net_revenue, 0)) over (
            partition by grid.breakdown, grid.segment, grid.cohort_month order by grid.months_since asc
        ) as exact_cumulative
    from grid
    left join {{ ref('revenue_cohort_cells') }} as cells
        on
            grid.breakdown = cells.breakdown
            and grid.segment = cells.segment
            and grid.cohort_month = cells.cohort_month
            and grid.months_since = cells.months_since
)

select
    -- strings
    cast(breakdown as String) as breakdown,
    cast(segment as String) as segment,
    -- numbers
    cast(months_since as UInt16) as months_since,
    cast(customers as UInt64) as customers,
    cast(if(is_mature, ordering_customers, null) as Nullable(UInt64)) as active_customers,
    cast(if(is_mature, {{ to_cents('exact_revenue') }}, null) as Nullable(Decimal(18, 2))) as net_revenue,
    cast(if(is_mature, {{ to_cents('exact_cumulative') }}, null) as Nullable(Decimal(18, 2))) as cumulative_revenue,
    cast(if(is_mature, {{ cents_per('exact_cumulative', 'customers') }}, null) as Nullable(Decimal(18, 2)))
        as revenue_per_customer,
    -- booleans
    cast(is_mature as Bool) as is_mature,
    cast(is_cohort_partial as Bool) as is_cohort_partial,
    -- dates
    cast(cohort_month as Date) as cohort_month
from filled
