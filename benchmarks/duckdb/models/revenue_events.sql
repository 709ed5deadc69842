with
{{ each_event_once('revenue_events') }}

select
    *,
    event_at::date as event_date
from deduplicated
