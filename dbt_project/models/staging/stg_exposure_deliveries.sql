select
    -- ids
    event_id,
    experiment_id,
    user_id,
    anonymous_id,
    -- strings
    arm,
    country,
    platform,
    device_type,
    -- numbers
    row_version,
    -- dates
    {{ reporting_date(happened_at('deliveries')) }} as event_date,
    -- timestamps
    {{ happened_at('deliveries') }} as event_at
from {{ source('raw', 'experiment_exposures') }} as deliveries
