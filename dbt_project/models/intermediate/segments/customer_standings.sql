{{ config(order_by='(customer_id, month)') }}

with
movements as (
    select
        customer_id,
        order_date as day,
        1 as orders,
        toNullable(order_date) as order_day,
        toDecimal128(0, 12) as reporting_amount,
        '' as country,
        toInt256(0) as country_position
    from {{ ref('orders') }}
    union all
    select
        customer_id,
        revenue_date as day,
        0 as orders,
        null as order_day,
        reporting_amount,
        toString(country) as country,
        if(country = '', 0, {{ event_order('event_at', 'event_id') }}) as country_position
    from {{ ref('revenue_lines') }}
),

months as (
    select
        customer_id,
        toStartOfMonth(day) as month,
        sum(orders) as month_orders,
        min(order_day) as month_first_order_date,
        max(order_day) as month_last_order_date,
        sum(reporting_amount) as month_net_spend,
        argMax((country, country_position), country_position) as month_country
    from movements
    where customer_id != ''
    group by customer_id, month
)

select
    -- ids
    customer_id,
    -- strings
    (argMax(month_country.1, month_country.2) over history) as country,
    -- numbers
    sum(month_orders) over history as frequency,
    sum(month_net_spend) over history as net_spend,
    -- dates
    month,
    lead(toNullable(month)) over (partition by customer_id order by month asc) as next_month,
    min(month_first_order_date) over history as first_order_date,
    max(month_last_order_date) over history as last_order_date
from months
window history as (partition by customer_id order by month asc)
