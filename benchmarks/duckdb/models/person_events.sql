select
    events.event_id,
    coalesce(nullif(events.user_id, ''), identities.user_id, 'anonymous:' || events.anonymous_id) as person_id,
    events.event_name,
    events.event_at,
    events.event_date
from {{ ref('events') }} as events
left join {{ ref('identities') }} as identities on events.anonymous_id = identities.anonymous_id
where events.user_id != '' or events.anonymous_id != ''
