select
    -- ids
    event_id,
    -- strings
    route,
    method,
    -- numbers
    status_code,
    duration_ms,
    response_bytes,
    row_version,
    -- dates
    {{ reporting_date('event_at') }} as event_date,
    -- timestamps
    event_at
from {{ source('raw', 'performance_metrics') }}
