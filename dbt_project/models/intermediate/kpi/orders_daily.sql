{{ config(order_by='day') }}

with
orders as (
    select
        customer_id,
        order_id,
        order_date,
        customer_id != ''
        and row_number() over (partition by customer_id order by ordered_at asc, order_id asc) = 1 as is_first_order
    from {{ ref('orders') }}
),

active_people as (
    select
        person_id,
        active_date
    from {{ ref('user_days') }}
)

select
    -- numbers
    count() as orders,
    countIf(orders.is_first_order) as conversions,
    countIf(orders.is_first_order and active_people.person_id is not null) as active_conversions,
    -- dates
    orders.order_date as day
from orders
left join active_people
    on orders.customer_id = active_people.person_id and orders.order_date = active_people.active_date
group by day
