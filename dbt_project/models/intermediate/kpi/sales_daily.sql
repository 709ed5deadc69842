{{ config(order_by='day') }}

select
    -- numbers
    uniqExactIf(customer_id, event_type = 'charge' and customer_id != '') as paying_users,
    coalesce(sumIf(reporting_amount, event_type = 'charge'), 0) as gross_revenue,
    coalesce(sumIf(reporting_amount, event_type = 'adjustment'), 0) as adjustments,
    -coalesce(sumIf(reporting_amount, event_type = 'refund'), 0) as refunds,
    sum(reporting_amount) as net_revenue,
    -- dates
    revenue_date as day
from {{ ref('revenue_lines') }}
group by day
