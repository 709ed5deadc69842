{{ config(
    materialized=changing_table(),
    replaces='user_id',
    changed='changed_people',
    order_by='user_id',
    meta={'variables': ['session_gap_minutes']}
) }}
-- depends_on: {{ ref('person_changes') }}

{# The as-of date moves on every day, and with it the windows of everybody. So here stands what only the user's own days
    decide: figures of all days, and arrays of the 90 days that end on the last active one. Whatever the as-of date, its
    windows reach no further back. #}
with
facts as (
    select
        *,
        active_date as known_from,
        toDate('2149-06-06') as known_until
    from {{ of_changed_people(ref('user_day_facts')) }}
    where not startsWith(person_id, 'anonymous:')
),

histories as (
    select
        person_id,
        {{ activity_history() }}
    from facts
    group by person_id
),

figured as (
    select
        person_id,
        arrayDistinct(tupleElement(days, 2)) as dates,
        {{ session_dates('edges') }} as session_dates,
        tupleElement(countries[-1], 2) as country,
        tupleElement(residences[-1], 2) as tax_residence,
        arrayUniq(tupleElement(calculators, 1)) as distinct_calculators,
        days,
        {{ activity_figures() }}
    from histories
)

select
    -- ids
    person_id as user_id,
    -- strings
    first_channel,
    first_device_type,
    country,
    tax_residence,
    -- numbers
    active_days,
    sessions,
    events,
    calculators_started,
    distinct_calculators,
    arrayMap(
        day -> (day.2, day.7, day.8, day.9, day.10, day.11, day.12),
        arrayFilter(day -> day.2 > last_active_date - 90, days)
    ) as recent_days,
    -- dates
    first_active_date,
    last_active_date,
    signed_up_on,
    arrayFilter(day -> day > last_active_date - 90, dates) as recent_dates,
    arrayFilter(day -> day > last_active_date - 90, session_dates) as recent_session_dates
from figured
