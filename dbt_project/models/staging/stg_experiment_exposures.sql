with
{{ each_event_once(source('raw', 'experiment_exposures')) }}

select
    -- ids
    event_id,
    experiment_id,
    user_id,
    anonymous_id,
    load_id,
    -- strings
    arm,
    country,
    platform,
    device_type,
    source,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
