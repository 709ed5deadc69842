{{ config(
    materialized=changing_table(), replaces='person_id', changed='changed_people', order_by='person_id'
) }}

{#- Every session is a touch. One array per person, so that each path is a slice of it and no model sorts again. #}
-- depends_on: {{ ref('person_changes') }}

select
    -- ids
    person_id,
    -- touches
    cast(
        arraySort(groupArray((started_at, assumeNotNull(channel), utm_campaign, country))),
        '{{ touches_type() }}'
    ) as touches
from {{ of_changed_people(ref('person_sessions')) }}
group by person_id
