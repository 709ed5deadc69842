{{ config(order_by='day') }}

{#- A user counts in a trailing window from each active day until the window has moved past that day, or until the next
    active day takes over. So exact distinct users of every window are sums of +1 and -1: no day is counted twice, and
    nothing is expanded to thirty rows. -#}
with
days as (
    select
        active_date,
        least(active_date + {{ var('weekly_window_days') }}, coalesce(next_active_date, toDate('2149-06-06')))
            as weekly_until,
        least(active_date + {{ var('monthly_window_days') }}, coalesce(next_active_date, toDate('2149-06-06')))
            as monthly_until,
        least(
            coalesce(sticky_run_start_date + {{ var('weekly_window_days') }}, active_date),
            coalesce(next_active_date, toDate('2149-06-06'))
        ) as sticky_until,
        previous_active_date is null as is_first
    from {{ ref('user_days') }}
),

changes as (
    select
        arrayJoin(
            [
                (active_date, 1, 1, 1, toInt64(sticky_until > active_date), toInt64(is_first)),
                (weekly_until, 0, -1, 0, 0, 0),
                (monthly_until, 0, 0, -1, 0, 0),
                (sticky_until, 0, 0, 0, -toInt64(sticky_until > active_date), 0)
            ]
        ) as change
    from days
),

daily_changes as (
    select
        change.1 as day,
        sum(change.2) as dau,
        sum(change.3) as wau_change,
        sum(change.4) as mau_change,
        sum(change.5) as sticky_users_change,
        sum(change.6) as new_users
    from changes
    group by day
)

select
    -- numbers
    toUInt64(coalesce(daily_changes.dau, 0)) as dau,
    toUInt64(sum(coalesce(daily_changes.wau_change, 0)) over (order by reporting_days.day asc)) as wau,
    toUInt64(sum(coalesce(daily_changes.mau_change, 0)) over (order by reporting_days.day asc)) as mau,
    toUInt64(sum(coalesce(daily_changes.sticky_users_change, 0)) over (order by reporting_days.day asc))
        as sticky_users,
    toUInt64(coalesce(daily_changes.new_users, 0)) as new_users,
    -- dates
    reporting_days.day as day
from {{ ref('reporting_days') }} as reporting_days
left join daily_changes on reporting_days.day = daily_changes.day
