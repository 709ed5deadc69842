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
        active_date,
        sum(events) as events,
        sum(page_views) as page_views,
        max(has_signed_up) as has_signed_up,
        min(tupleElement(visits[1], 1)) as first_event_at,
        max(tupleElement(visits[-1], 2)) as last_event_at
    from {{ of_changed_people(ref('user_day_facts')) }}
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
