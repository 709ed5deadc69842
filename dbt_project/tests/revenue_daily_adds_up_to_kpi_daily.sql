-- Exactly before rounding. After it each row may be off by half a cent, and the day's own figure by another half.
with
by_day as (
    select
        rounded.revenue_date as revenue_date,
        count() as row_count,
        sum(exact.gross_revenue) as exact_gross,
        sum(exact.refunds) as exact_refunds,
        sum(exact.adjustments) as exact_adjustments,
        sum(exact.net_revenue) as exact_net,
        sum(rounded.net_revenue) as rounded_net,
        sum(rounded.orders) as orders
    from {{ ref('revenue_daily') }} as rounded
    inner join {{ ref('revenue_by_day') }} as exact
        on
            rounded.revenue_date = exact.revenue_date
            and rounded.currency = exact.currency
            and rounded.country = exact.country
            and rounded.plan = exact.plan
            and rounded.kind = exact.kind
    group by revenue_date
)

select kpis.kpi_date
from {{ ref('kpi_daily') }} as kpis
left join by_day on kpis.kpi_date = by_day.revenue_date
left join {{ ref('sales_daily') }} as sales on kpis.kpi_date = sales.day
where
    coalesce(by_day.exact_gross, 0) != coalesce(sales.gross_revenue, 0)
    or coalesce(by_day.exact_refunds, 0) != coalesce(sales.refunds, 0)
    or coalesce(by_day.exact_adjustments, 0) != coalesce(sales.adjustments, 0)
    or coalesce(by_day.exact_net, 0) != coalesce(sales.net_revenue, 0)
    or coalesce(by_day.orders, 0) != kpis.orders
    or abs(coalesce(by_day.rounded_net, 0) - kpis.net_revenue) * 200 > coalesce(by_day.row_count, 0) + 1
