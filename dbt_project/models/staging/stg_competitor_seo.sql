with
{{ each_event_once(source('raw', 'competitor_seo')) }}

select
    -- ids
    event_id,
    load_id,
    -- strings
    competitor,
    country,
    metric,
    keyword,
    text_value,
    source_url,
    source,
    -- numbers
    numeric_value,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
