{{ config(order_by='(revenue_date, currency, country, plan, kind)') }}

with
sums as (
    select
        lines.currency as currency,
        lines.country as country,
        lines.plan as plan,
        lines.kind as kind,
        lines.gross_amount as gross_amount,
        lines.refunded_amount as refunded_amount,
        lines.adjusted_amount as adjusted_amount,
        lines.net_amount as net_amount,
        lines.tax_amount as tax_amount,
        lines.gross_revenue as exact_gross_revenue,
        lines.refunds as exact_refunds,
        lines.adjustments as exact_adjustments,
        lines.net_revenue as exact_net_revenue,
        lines.tax as exact_tax,
        lines.orders as orders,
        lines.paying_customers as paying_customers,
        days.is_partial as is_partial,
        lines.revenue_date as revenue_date
    from {{ ref('revenue_by_day') }} as lines
    inner join {{ ref('reporting_days') }} as days on lines.revenue_date = days.day
)

select
    -- strings
    cast(currency as String) as currency,
    cast(country as String) as country,
    cast(plan as String) as plan,
    cast(kind as String) as kind,
    -- money in the row's own currency, exact
    cast(gross_amount as Decimal(18, 4)) as gross_amount,
    cast(refunded_amount as Decimal(18, 4)) as refunded_amount,
    cast(adjusted_amount as Decimal(18, 4)) as adjusted_amount,
    cast(net_amount as Decimal(18, 4)) as net_amount,
    cast(tax_amount as Decimal(18, 4)) as tax_amount,
    -- money in the reporting currency
    {{ to_cents('exact_gross_revenue') }} as gross_revenue,
    {{ to_cents('exact_refunds') }} as refunds,
    {{ to_cents('exact_adjustments') }} as adjustments,
    {{ to_cents('exact_net_revenue') }} as net_revenue,
    {{ to_cents('exact_tax') }} as tax_revenue,
    -- counts
    cast(orders as UInt64) as orders,
    cast(paying_customers as UInt64) as paying_customers,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(revenue_date as Date) as revenue_date
from sums
