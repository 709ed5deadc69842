with
{{ each_event_once(source('raw', 'system_metrics')) }}

select
    -- ids
    event_id,
    load_id,
    -- strings
    host,
    service,
    metric,
    unit,
    source,
    -- numbers
    value,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
