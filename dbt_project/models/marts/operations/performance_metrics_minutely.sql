{{ config(
    materialized=changing_table(),
    replaces='request_date',
    changed='changed_minute_days',
    order_by='(route, method, minute_at)',
    meta={'variables': ['apdex_threshold_ms']}
) }}
-- depends_on: {{ ref('event_changes') }}

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
    where
        {{ until_as_of_date('request_date') }}
        and {{ 'request_date in (' ~ changed_minute_days() ~ ')' if only_changes() else 'true' }}
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
