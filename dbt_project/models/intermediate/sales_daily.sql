{{ config(order_by='day') }}

select
    -- numbers
    uniqExactIf(customer_id, event_type = 'charge' and customer_id != '') as paying_users,
    sumIf(reporting_amount, event_type = 'charge') as gross_revenue,
    sumIf(reporting_amount, event_type = 'adjustment') as adjustments,
    -sumIf(reporting_amount, event_type = 'refund') as refunds,
    sum(reporting_amount) as net_revenue,
    -- dates
    revenue_date as day
from {{ ref('revenue_lines') }}
group by day
