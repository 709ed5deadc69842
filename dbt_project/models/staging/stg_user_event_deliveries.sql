select
    -- ids
    event_id,
    user_id,
    anonymous_id,
    session_id,
    load_id,
    -- strings
    event_name,
    country,
    region,
    tax_residence,
    platform,
    device_type,
    browser,
    operating_system,
    language,
    app_version,
    page_path,
    referrer_host,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_content,
    utm_term,
    properties,
    source,
    -- numbers
    row_version,
    -- dates
    {{ reporting_date(happened_at('deliveries')) }} as event_date,
    -- timestamps
    {{ happened_at('deliveries') }} as event_at,
    received_at,
    ingested_at
from {{ source('raw', 'user_events') }} as deliveries
