{{ config(
    materialized=changing_table(),
    replaces='request_date',
    changed='changed_request_days',
    order_by='(request_date, route, method, minute_at, latency_ms, country)'
) }}
-- depends_on: {{ ref('event_changes') }}, {{ ref('stg_performance_metrics') }}, {{ ref('stg_request_deliveries') }}

{% if only_changes() %}
with
newest_deliveries as (
    select * from {{ ref('stg_request_deliveries') }}
    where event_id in (
        select same_day.event_id from {{ ref('stg_request_deliveries') }} as same_day
        where same_day.event_date in ({{ changed_request_days() }})
    )
    order by row_version desc
    limit 1 by event_id
)
{% endif %}

select
    -- strings
    route,
    method,
    country,
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
from {{ 'newest_deliveries' if only_changes() else ref('stg_performance_metrics') }} as requests
where
    {{ 'event_date in (' ~ changed_request_days() ~ ')' if only_changes() else 'true' }}
    and {{ until_chosen_date('event_date') }}
group by route, method, country, latency_ms, request_date, minute_at
