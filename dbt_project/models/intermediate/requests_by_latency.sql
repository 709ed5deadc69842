{{ config(order_by='(request_date, route, method, minute_at, latency_ms)') }}

select
    -- strings
    route,
    method,
    -- numbers
    {{ latency_ms('duration_ms') }} as latency_ms,
    count() as requests,
    countIf(status_code >= 500) as server_errors,
    countIf(status_code between 400 and 499) as client_errors,
    sum(requests.response_bytes) as response_bytes,
    -- dates
    event_date as request_date,
    -- timestamps
    toStartOfMinute(event_at) as minute_at
from {{ ref('stg_performance_metrics') }} as requests
where {{ until_as_of_date('event_date') }}
group by route, method, latency_ms, request_date, minute_at
