{{ config(order_by='month') }}

select
    -- booleans
    max(is_partial) or max(day) < toLastDayOfMonth(max(day)) as is_partial,
    -- dates
    toStartOfMonth(day) as month,
    max(day) as last_day
from {{ ref('reporting_days') }}
group by month
