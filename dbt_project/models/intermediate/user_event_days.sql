{{ config(order_by='(event_name, person_id)') }}

select
    -- ids
    person_id,
    -- strings
    event_name,
    -- dates
    arrayCompact(arraySort(groupArray(event_date))) as event_days
from {{ ref('person_events') }}
group by person_id, event_name
