{{ config(order_by='(customer_id, order_date, order_id)') }}

with
charges as (
    select * from {{ ref('revenue_lines') }}
    where event_type = 'charge'
)

select
    -- ids
    order_id,
    argMin(customer_id, (event_at, event_id)) as customer_id,
    -- strings
    argMin(country, (event_at, event_id)) as country,
    argMin(plan, (event_at, event_id)) as plan,
    -- numbers
    count() as lines,
    sum(reporting_amount) as gross_amount,
    -- dates
    min(revenue_date) as order_date,
    -- timestamps
    min(event_at) as ordered_at
from charges
group by order_id
