{#- Body of the marts lifecycle_daily, lifecycle_weekly and lifecycle_monthly. Each person's sorted periods say for every
    active period whether the one before was active too, and which period follows without activity. -#}
{%- macro lifecycle(granularity) -%}
with
people as (
    select active_{{ granularity }}s as periods from {{ ref('user_activity') }}
),

neighbours as (
    select
        periods,
        arrayPushFront(arrayPopBack(periods), toDate(0)) as periods_before,
        arrayPushBack(arrayPopFront(periods), toDate(0)) as periods_after
    from people
),

states as (
    select
        arrayJoin(
            arrayConcat(
                arrayMap(
                    (period, before) -> (
                        period,
                        multiIf(
                            before = toDate(0), 'new',
                            {{ shift_period(granularity, 'before') }} = period, 'returning',
                            'resurrecting'
                        )
                    ),
                    periods,
                    periods_before
                ),
                arrayMap(
                    period -> ({{ shift_period(granularity, 'period') }}, 'dormant'),
                    arrayFilter(
                        (period, after) -> {{ shift_period(granularity, 'period') }} != after, periods, periods_after
                    )
                )
            )
        ) as period_and_state
    from neighbours
),

counted as (
    select
        period_and_state.1 as counted_period,
        countIf(period_and_state.2 != 'dormant') as active_users,
        countIf(period_and_state.2 = 'new') as new_users,
        countIf(period_and_state.2 = 'returning') as returning_users,
        countIf(period_and_state.2 = 'resurrecting') as resurrecting_users,
        countIf(period_and_state.2 = 'dormant') as dormant_users
    from states
    group by counted_period
),

periods as (
    select * from {{ ref('reporting_periods') }}
    where granularity = '{{ granularity }}'
)

select
    -- numbers
    cast(coalesce(counted.active_users, 0) as UInt64) as active_users,
    cast(coalesce(counted.new_users, 0) as UInt64) as new_users,
    cast(coalesce(counted.returning_users, 0) as UInt64) as returning_users,
    cast(coalesce(counted.resurrecting_users, 0) as UInt64) as resurrecting_users,
    cast(coalesce(counted.dormant_users, 0) as UInt64) as dormant_users,
    -- booleans
    cast(periods.is_partial as Bool) as is_partial,
    cast(periods.is_comparable as Bool) as is_comparable,
    -- dates
    cast(periods.period_start as Date) as period_start,
    cast(periods.period_end as Date) as period_end
from periods
left join counted on periods.period_start = counted.counted_period
{%- endmacro -%}
