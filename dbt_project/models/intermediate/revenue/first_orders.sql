{{ config(order_by='customer_id') }}

with
customers as (
    select
        customer_id,
        argMin((order_date, country, plan), (ordered_at, order_id)) as first_order
    from {{ ref('orders') }}
    where customer_id != ''
    group by customer_id
),

people as (
    {{ first_touch_of_people() }}
)

select
    -- ids
    customers.customer_id as customer_id,
    -- strings
    customers.first_order.2 as country,
    coalesce(people.first_channel, '') as channel,
    if(customers.first_order.3 = '', 'none', customers.first_order.3) as plan,
    coalesce(people.first_device_type, '') as device_type,
    -- dates
    customers.first_order.1 as order_date
from customers
left join people on customers.customer_id = people.person_id
