{{ config(materialized='view') }}

with
counted as (
    select
        route,
        method,
        minute_at,
        {{ request_figures('live_requests') }}
    from {{ ref('live_requests') }} as live_requests
    group by route, method, minute_at
)

select
    -- strings
    cast(route as String) as route,
    cast(method as String) as method,
    -- numbers
    {{ request_columns() }},
    -- timestamps
    cast(minute_at as DateTime('UTC')) as minute_at
from counted
