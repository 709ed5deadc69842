{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(event_name, person_id)'
) }}
-- depends_on: {{ ref('person_changes') }}

select
    -- ids
    person_id,
    -- strings
    event_name,
    -- dates
    arrayCompact(arraySort(groupArray(event_date))) as event_days
from {{ of_changed_people(ref('person_events')) }}
where
    event_name in (
        select definitions.anchor_event from {{ ref('cohort_definitions') }} as definitions
        union distinct
        select definitions.return_event from {{ ref('cohort_definitions') }} as definitions
    )
group by person_id, event_name
