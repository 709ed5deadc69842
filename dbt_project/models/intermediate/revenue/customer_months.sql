{{ config(order_by='(customer_id, month)') }}

{# Money that moved before the month of the first order, such as the refund of an older purchase, is in no month. #}
with
first_orders as (
    select
        customer_id,
        toStartOfMonth(min(order_date)) as cohort_month,
        groupUniqArray(toStartOfMonth(order_date)) as order_months
    from {{ ref('orders') }}
    where customer_id != ''
    group by customer_id
),

monthly as (
    select
        customer_id,
        toStartOfMonth(revenue_date) as month,
        sum(reporting_amount) as net_revenue
    from {{ ref('revenue_lines') }}
    where customer_id != ''
    group by customer_id, month
)

select
    -- ids
    first_orders.customer_id as customer_id,
    -- numbers
    monthly.net_revenue as net_revenue,
    dateDiff('month', first_orders.cohort_month, monthly.month) as months_since,
    -- booleans
    has(first_orders.order_months, monthly.month) as has_ordered,
    -- dates
    first_orders.cohort_month as cohort_month,
    monthly.month as month
from first_orders
inner join monthly on first_orders.customer_id = monthly.customer_id
where monthly.month >= first_orders.cohort_month
