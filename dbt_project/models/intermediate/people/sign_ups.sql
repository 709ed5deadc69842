{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='person_id',
    meta={'variables': ['activation_days']}
) }}
-- depends_on: {{ ref('person_changes') }}

with
people as (
    select
        person_id,
        minIf(event_at, event_name = 'sign_up') as signed_up_at,
        signed_up_at + toIntervalDay({{ var('activation_days') }}) as activated_until,
        groupArrayIf(event_at, event_name = 'calculator_completed') as completions
    from {{ of_changed_people(ref('person_events')) }}
    where event_name in ('sign_up', 'calculator_completed')
    group by person_id
    having countIf(event_name = 'sign_up') > 0
)

select
    -- ids
    person_id,
    -- booleans
    arrayExists(
        completed_at -> completed_at between signed_up_at and activated_until, completions
    ) as is_activated,
    -- dates
    {{ reporting_date('signed_up_at') }} as sign_up_date,
    -- timestamps
    signed_up_at
from people
