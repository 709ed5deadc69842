{{ config(order_by='(day, latency_ms)') }}

select
    -- numbers
    latency_ms,
    sum(requests_by_latency.requests) as requests,
    sum(requests_by_latency.server_errors) as failed_requests,
    -- dates
    request_date as day
from {{ ref('requests_by_latency') }} as requests_by_latency
group by latency_ms, day
