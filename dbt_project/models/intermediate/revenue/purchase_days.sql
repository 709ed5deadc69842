{{ config(order_by='(customer_id, scope, purchase_date)') }}

with
purchases as (
    select
        customer_id,
        'all' as scope,
        order_date,
        ordered_at,
        gross_amount
    from {{ ref('orders') }}
    union all
    select
        customer_id,
        'one_off' as scope,
        order_date,
        ordered_at,
        gross_amount
    from {{ ref('one_off_orders') }}
)

select
    -- ids
    customer_id,
    -- strings
    scope,
    -- numbers
    count() as orders,
    sum(gross_amount) as amount,
    -- dates
    order_date as purchase_date,
    -- timestamps
    min(ordered_at) as first_ordered_at,
    max(ordered_at) as last_ordered_at
from purchases
where customer_id != ''
group by customer_id, scope, order_date
