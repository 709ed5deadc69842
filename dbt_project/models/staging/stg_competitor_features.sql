with
{{ each_event_once(source('raw', 'competitor_features')) }}

select
    -- ids
    event_id,
    load_id,
    -- strings
    competitor,
    plan,
    feature,
    value,
    source_url,
    evidence,
    source,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
