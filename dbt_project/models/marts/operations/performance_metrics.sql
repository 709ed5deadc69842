{{ config(
    materialized=changing_table(),
    replaces='request_date',
    changed='changed_performance_days',
    order_by='(request_date, route, method)',
    meta={'variables': ['apdex_threshold_ms']}
) }}
-- depends_on: {{ ref('event_changes') }}

with
requests_by_day as (
    select
        route,
        method,
        request_date,
        latency_ms,
        sum(requests_by_latency.requests) as requests,
        sum(requests_by_latency.server_errors) as server_errors,
        sum(requests_by_latency.client_errors) as client_errors,
        sum(requests_by_latency.response_bytes) as response_bytes
    from {{ ref('requests_by_latency') }} as requests_by_latency
    where
        {{ until_as_of_date('request_date') }}
        and {{ 'request_date in (' ~ changed_performance_days() ~ ')' if only_changes() else 'true' }}
    group by route, method, request_date, latency_ms
),

counted as (
    select
        route,
        method,
        request_date,
        {{ request_figures('requests_by_day') }},
        sum(requests_by_day.response_bytes) as response_bytes
    from requests_by_day
    group by route, method, request_date
)

select
    -- strings
    cast(route as String) as route,
    cast(method as String) as method,
    -- numbers
    {{ request_columns() }},
    cast(response_bytes as UInt64) as response_bytes,
    -- booleans
    cast({{ start_of_reporting_date('request_date + 1') }} > complete_until as Bool) as is_partial,
    -- dates
    cast(request_date as Date) as request_date
from counted
cross join {{ ref('reporting_period') }}
