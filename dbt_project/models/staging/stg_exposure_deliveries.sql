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
    {{ reporting_date('event_at') }} as event_date,
    -- timestamps
    event_at
from {{ source('raw', 'experiment_exposures') }}
