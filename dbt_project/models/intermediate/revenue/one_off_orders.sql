{{ config(order_by='(customer_id, order_date, order_id)') }}

{# An order that also charges for a subscription counts with its other lines; its customer is the whole order's. #}
select
    -- ids
    order_id,
    argMin(customer_id, (event_at, event_id)) as customer_id,
    -- numbers
    sumIf(reporting_amount, subscription_id = '') as gross_amount,
    -- dates
    minIf(revenue_date, subscription_id = '') as order_date,
    -- timestamps
    minIf(event_at, subscription_id = '') as ordered_at
from {{ ref('revenue_lines') }}
where event_type = 'charge'
group by order_id
having countIf(subscription_id = '') > 0
