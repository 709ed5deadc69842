{{ config(materialized=changing_table(), replaces='person_id', changed='changed_people', order_by='person_id') }}
-- depends_on: {{ ref('person_changes') }}

{# All later questions about coming back read these arrays: a few hundred thousand short rows instead of a window
    function over every active day. `arrayCompact` on a sorted array leaves each value once. #}
with
people as (
    select
        person_id,
        arraySort(groupArray(active_date)) as active_days,
        sum(events) as events
    from {{ of_changed_people(ref('user_days')) }}
    group by person_id
),

cut as (
    select
        person_id,
        active_days,
        events,
        arrayMap(day -> toMonday(day), active_days) as week_of_each_day,
        arrayMap(day -> toStartOfMonth(day), active_days) as month_of_each_day
    from people
)

select
    -- ids
    person_id,
    -- numbers
    events,
    arrayMap(week -> toUInt8(countEqual(week_of_each_day, week)), active_weeks) as days_in_weeks,
    arrayMap(month -> toUInt8(countEqual(month_of_each_day, month)), active_months) as days_in_months,
    -- dates
    active_days,
    arrayCompact(week_of_each_day) as active_weeks,
    arrayCompact(month_of_each_day) as active_months
from cut
