{{ config(order_by='(breakdown, segment, cohort_month, months_since)') }}

with
period as (
    select
        toStartOfMonth(as_of_date) as last_month,
        toLastDayOfMonth(as_of_date) > as_of_date
        or {{ start_of_reporting_date('addMonths(last_month, 1)') }} > complete_until as is_last_month_partial
    from {{ ref('reporting_period') }}
),

{# Every customer of a cohort has money in its first month, so the cell 0 counts all of them. #}
grid as (
    select
        cells.breakdown as breakdown,
        cells.segment as segment,
        cells.cohort_month as cohort_month,
        cells.customers as customers,
        period.last_month as last_month,
        period.is_last_month_partial as is_last_month_partial,
        arrayJoin(range(toUInt32(dateDiff('month', cells.cohort_month, period.last_month) + 1))) as months_since
    from {{ ref('revenue_cohort_cells') }} as cells
    cross join period
    where cells.months_since = 0
),

filled as (
    select
        grid.breakdown as breakdown,
        grid.segment as segment,
        grid.cohort_month as cohort_month,
        grid.months_since as months_since,
        grid.customers as customers,
        coalesce(cells.active_customers, 0) as active_customers,
        coalesce(cells.net_revenue, 0) as exact_revenue,
        sum(coalesce(cells.net_revenue, 0)) over (
            partition by grid.breakdown, grid.segment, grid.cohort_month order by grid.months_since asc
        ) as exact_cumulative,
        addMonths(grid.cohort_month, grid.months_since) < grid.last_month or not grid.is_last_month_partial as is_mature
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
    cast(active_customers as UInt64) as active_customers,
    {{ to_cents('exact_revenue') }} as net_revenue,
    {{ to_cents('exact_cumulative') }} as cumulative_revenue,
    {{ cents_per('exact_cumulative', 'customers') }} as revenue_per_customer,
    -- booleans
    cast(is_mature as Bool) as is_mature,
    -- dates
    cast(cohort_month as Date) as cohort_month
from filled
