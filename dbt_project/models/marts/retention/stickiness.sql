{{ config(order_by='(granularity, period_start, active_days)') }}

with
people as (
    select
        arrayJoin(
            arrayConcat(
                arrayMap((week, days) -> ('week', week, days), active_weeks, days_in_weeks),
                arrayMap((month, days) -> ('month', month, days), active_months, days_in_months)
            )
        ) as counted
    from {{ ref('user_activity') }}
),

counted as (
    select
        counted.1 as granularity,
        counted.2 as period_start,
        counted.3 as active_days,
        count() as users
    from people
    group by granularity, period_start, active_days
),

possible as (
    select
        granularity,
        period_start,
        period_end,
        is_partial,
        arrayJoin(range(1, toUInt32(period_end - period_start + 2))) as active_days
    from {{ ref('reporting_periods') }}
    where granularity in ('week', 'month')
),

measured as (
    select
        possible.granularity as granularity,
        possible.period_start as period_start,
        possible.period_end as period_end,
        possible.is_partial as is_partial,
        possible.active_days as active_days,
        coalesce(counted.users, 0) as users_exactly,
        sum(coalesce(counted.users, 0)) over (
            partition by possible.granularity, possible.period_start order by possible.active_days desc
        ) as users_at_least,
        sum(coalesce(counted.users, 0)) over (partition by possible.granularity, possible.period_start) as active_users
    from possible
    left join counted
        on
            possible.granularity = counted.granularity
            and possible.period_start = counted.period_start
            and possible.active_days = counted.active_days
)

select
    -- strings
    cast(granularity as String) as granularity,
    -- numbers
    cast(active_days as UInt8) as active_days,
    cast(users_exactly as UInt64) as users_exactly,
    cast(users_at_least as UInt64) as users_at_least,
    cast(active_users as UInt64) as active_users,
    cast(users_exactly / nullIf(active_users, 0) as Nullable(Float64)) as share_exactly,
    cast(users_at_least / nullIf(active_users, 0) as Nullable(Float64)) as share_at_least,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(period_start as Date) as period_start,
    cast(period_end as Date) as period_end
from measured
