select
    -- ids
    event_id,
    user_id,
    anonymous_id,
    order_id,
    subscription_id,
    -- numbers
    row_version
from {{ source('raw', 'revenue_events') }}
