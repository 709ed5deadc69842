with
{{ each_event_once(source('raw', 'market_trends')) }}

select
    -- ids
    event_id,
    load_id,
    -- strings
    topic,
    country,
    metric,
    source_url,
    source,
    -- numbers
    value,
    -- dates
    period_start,
    -- timestamps
    received_at
from deduplicated
