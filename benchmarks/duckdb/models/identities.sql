with
{{ each_event_once('calculator_usage') }},

sightings as (
    select anonymous_id, user_id from {{ ref('events') }}
    union all
    select anonymous_id, user_id from {{ ref('revenue_events') }}
    union all
    select
        anonymous_id,
        user_id
    from deduplicated
    where event_at::date <= (select max(day) from {{ ref('days') }})
)

select
    anonymous_id,
    min(user_id) as user_id
from sightings
where anonymous_id != '' and user_id != ''
group by anonymous_id
having min(user_id) = max(user_id)
