{{ config(order_by='(route, method, minute_at)') }}

with
counted as (
    select
        route,
        method,
        request_date,
        minute_at,
        {{ request_figures('requests_by_latency') }},
        sum(requests_by_latency.response_bytes) as response_bytes
    from {{ ref('requests_by_latency') }} as requests_by_latency
    group by route, method, request_date, minute_at
)

select
    -- strings
    cast(route as String) as route,
    cast(method as String) as method,
    -- numbers
    {{ request_columns() }},
    cast(response_bytes as UInt64) as response_bytes,
    -- dates
    cast(request_date as Date) as request_date,
    -- timestamps
    cast(minute_at as DateTime('UTC')) as minute_at
from counted
