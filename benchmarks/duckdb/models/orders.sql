select
    order_id,
    arg_min(customer_id, (event_at, event_id)) as customer_id,
    min(event_at) as ordered_at,
    min(event_date) as order_date
from {{ ref('revenue_lines') }}
where event_type = 'charge'
group by order_id
