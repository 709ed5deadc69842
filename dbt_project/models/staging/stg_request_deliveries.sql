select
    -- ids
    event_id,
    -- strings
    route,
    method,
    country,
    -- numbers
    status_code,
    duration_ms,
    response_bytes,
    row_version,
    -- dates
    {{ reporting_date(happened_at('deliveries')) }} as event_date,
    -- timestamps
    {{ happened_at('deliveries') }} as event_at
from {{ source('raw', 'performance_metrics') }} as deliveries
