with
{{ each_event_once(source('raw', 'marketing_spend')) }}

select
    -- ids
    event_id,
    load_id,
    -- strings
    channel,
    campaign,
    country,
    currency,
    source,
    -- numbers
    spend,
    impressions,
    clicks,
    -- dates
    spend_date,
    -- timestamps
    received_at
from deduplicated
