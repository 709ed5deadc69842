{{ config(order_by='(revenue_date, currency, country, plan, kind)') }}

{# An order counts once, where its first line stands, so that orders add up although its lines may differ. #}
with
lines as (
    select
        revenue_date,
        toString(currency) as currency,
        toString(country) as country,
        toString(plan) as plan,
        if(subscription_id = '', 'one_off', 'subscription') as kind,
        customer_id,
        toString(event_type) as event_type,
        event_type = 'charge'
        and row_number() over (partition by order_id, event_type = 'charge' order by event_at asc, event_id asc) = 1
            as is_first_charge,
        amount,
        reporting_amount,
        tax_amount,
        toDecimal128(tax_amount, 4) * exchange_rate as reporting_tax_amount
    from {{ ref('revenue_lines') }}
)

select
    -- strings
    currency,
    country,
    plan,
    kind,
    -- money in its own currency
    sumIf(amount, event_type = 'charge') as gross_amount,
    -sumIf(amount, event_type = 'refund') as refunded_amount,
    sumIf(amount, event_type = 'adjustment') as adjusted_amount,
    sum(amount) as net_amount,
    sum(tax_amount) as tax_amount,
    -- money in the reporting currency, exact
    coalesce(sumIf(reporting_amount, event_type = 'charge'), 0) as gross_revenue,
    -coalesce(sumIf(reporting_amount, event_type = 'refund'), 0) as refunds,
    coalesce(sumIf(reporting_amount, event_type = 'adjustment'), 0) as adjustments,
    sum(reporting_amount) as net_revenue,
    sum(reporting_tax_amount) as tax,
    -- counts
    countIf(is_first_charge) as orders,
    uniqExactIf(customer_id, event_type = 'charge' and customer_id != '') as paying_customers,
    -- dates
    revenue_date
from lines
group by revenue_date, currency, country, plan, kind
