{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(person_id, active_date)',
    meta={'variables': ['sticky_days']}
) }}
-- depends_on: {{ ref('person_changes') }}

with
days as (
    select
        person_id,
        event_date as active_date,
        count() as events,
        countIf(event_name = 'page_view') as page_views,
        countIf(event_name = 'sign_up') > 0 as has_signed_up,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at
    from {{ of_changed_people(ref('person_events')) }}
    group by person_id, active_date
)

select
    -- ids
    person_id,
    -- numbers
    events,
    page_views,
    -- booleans
    has_signed_up,
    -- dates
    active_date,
    lag(toNullable(active_date)) over (partition by person_id order by active_date asc) as previous_active_date,
    lead(toNullable(active_date)) over (partition by person_id order by active_date asc) as next_active_date,
    lag(toNullable(active_date), {{ (var('sticky_days') | int) - 1 }})
        over (partition by person_id order by active_date asc) as sticky_run_start_date,
    -- timestamps
    first_event_at,
    last_event_at
from days
