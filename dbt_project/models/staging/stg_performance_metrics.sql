with
{{ each_event_once(source('raw', 'performance_metrics')) }}

select
    -- ids
    event_id,
    user_id,
    load_id,
    -- strings
    route,
    method,
    country,
    server,
    error_type,
    source,
    -- numbers
    status_code,
    duration_ms,
    response_bytes,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
