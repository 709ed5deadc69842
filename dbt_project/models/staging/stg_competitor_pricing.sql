with
{{ each_event_once(source('raw', 'competitor_pricing')) }}

select
    -- ids
    event_id,
    load_id,
    -- strings
    competitor,
    country,
    plan,
    billing_period,
    currency,
    tax_flag,
    source_url,
    evidence,
    source,
    -- numbers
    amount,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
