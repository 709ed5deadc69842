select
    person_id,
    event_date as day,
    count(*) as events,
    bool_or(event_name = 'sign_up') as has_signed_up,
    lead(event_date) over (partition by person_id order by event_date) as next_day
from {{ ref('person_events') }}
group by person_id, event_date
