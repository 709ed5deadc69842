{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(person_id, active_date)',
    meta={'variables': ['weekly_window_days', 'monthly_window_days']}
) }}
-- depends_on: {{ ref('person_changes') }}

{# An active day belongs to the newest session that had begun by its end; a session over midnight is active on both
    days. So each active day has one value of each dimension, and values add up to the whole. #}
with
visitors as (
    select
        person_id,
        arraySort(
            visit -> visit.1,
            groupArray(
                (
                    started_at,
                    session_date,
                    {{ reporting_date('ended_at') }},
                    country,
                    coalesce(channel, ''),
                    device_type
                )
            )
        ) as visits
    from {{ of_changed_people(ref('person_sessions')) }}
    group by person_id
),

stretches as (
    select
        person_id,
        tupleElement(visits[1], 2) as first_day,
        arrayJoin(
            arrayMap(
                (visit, next_day) -> (visit.2, least(visit.3, next_day - 1), next_day, visit.4, visit.5, visit.6),
                visits,
                arrayPushBack(arrayPopFront(tupleElement(visits, 2)), toDate('2149-06-06'))
            )
        ) as stretch
    from visitors
),

days as (
    select
        *,
        stretch.1 + arrayJoin(range(toUInt16(greatest(stretch.2 - stretch.1 + 1, 0)))) as active_date
    from stretches
)

select
    -- ids
    person_id,
    -- strings
    toLowCardinality(stretch.4) as country,
    toLowCardinality(stretch.5) as channel,
    toLowCardinality(stretch.6) as device_type,
    -- numbers
    toUInt16(
        least(if(active_date = stretch.2, stretch.3, active_date + 1) - active_date, {{ longest_window_days() }})
    ) as days_to_next,
    -- booleans
    active_date = first_day as is_first,
    -- dates
    active_date
from days
