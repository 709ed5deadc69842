with
{{ each_event_once('user_events') }}

select
    event_id,
    event_name,
    event_at,
    event_at::date as event_date,
    user_id,
    anonymous_id
from deduplicated
