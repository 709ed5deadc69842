{{ config(order_by='(breakdown, segment, cohort_month, months_since)') }}

with
parts as (
    select
        months.cohort_month as cohort_month,
        months.months_since as months_since,
        months.has_ordered as has_ordered,
        months.net_revenue as net_revenue,
        arrayJoin(
            [('overall', ''), ('country', people.first_country), ('channel', people.first_channel)]
        ) as part
    from {{ ref('customer_months') }} as months
    inner join {{ ref('people') }} as people on months.customer_id = people.person_id
)

select
    -- strings
    part.1 as breakdown,
    part.2 as segment,
    -- numbers
    months_since,
    count() as customers,
    countIf(has_ordered) as active_customers,
    sum(net_revenue) as net_revenue,
    -- dates
    cohort_month
from parts
group by breakdown, segment, cohort_month, months_since
