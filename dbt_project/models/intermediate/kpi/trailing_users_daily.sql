{{ config(order_by='(dimension, dimension_value, measure, day)') }}

{#- A person counts in a trailing window from each active day until the window has moved past that day, or until the
    next active day takes over, under the values of that day. -#}
with
sightings as (
    select
        dimension,
        dimension_value,
        people,
        arrayJoin(
            [
                ('wau', day, 1),
                ('wau', day + least(days_to_next, {{ var('weekly_window_days') }}), -1),
                ('mau', day, 1),
                ('mau', day + least(days_to_next, {{ var('monthly_window_days') }}), -1)
            ]
        ) as change
    from {{ ref('people_by_gap') }}
    where measure = 'dau'
),

changes as (
    select
        dimension,
        dimension_value,
        change.1 as measure,
        '' as currency,
        toDecimal128(sum(toInt64(people) * change.3), 12) as amount,
        change.2 as day
    from sightings
    group by dimension, dimension_value, measure, day
),

{{ running_balances('changes') }}

select
    -- strings
    dimension,
    dimension_value,
    measure,
    -- numbers
    balance as amount,
    -- dates
    day
from balances
