{{ config(order_by='(cohort, granularity, breakdown, breakdown_value, cohort_start, period_number)') }}

with
broken_down as (
    select
        cohort,
        granularity,
        cohort_number,
        arrayJoin([('all', 'all'), ('country', country), ('channel', channel)]) as breakdown_and_value,
        sum(cohort_size) as cohort_size,
        sumForEach(returned_users) as returned_users,
        sumForEach(returned_or_later_users) as returned_or_later_users,
        sumForEach(revenue) as exact_revenue
    from {{ ref('cohort_counts') }}
    group by cohort, granularity, cohort_number, breakdown_and_value
),

by_period as (
    select
        *,
        arrayJoin(range(toInt32(length(returned_users)))) as period_number
    from broken_down
),

cells as (
    select
        by_period.cohort as cohort,
        definitions.anchor_event as anchor_event,
        definitions.anchor_type as anchor_type,
        definitions.return_event as return_event,
        by_period.granularity as granularity,
        by_period.breakdown_and_value as breakdown_and_value,
        by_period.period_number as period_number,
        by_period.cohort_size as cohort_size,
        by_period.returned_users[by_period.period_number + 1] as returned,
        by_period.returned_or_later_users[by_period.period_number + 1] as returned_or_later,
        {{ to_cents('by_period.exact_revenue[1]') }} as cents_of_first_period,
        {{ to_cents('by_period.exact_revenue[by_period.period_number + 1]') }} as cents,
        not periods.is_partial as is_complete,
        starts.is_partial as is_cohort_partial,
        starts.period_start as cohort_start,
        periods.period_start as period_start
    from by_period
    inner join {{ ref('cohort_definitions') }} as definitions on by_period.cohort = definitions.cohort
    inner join {{ ref('reporting_periods') }} as starts
        on by_period.granularity = starts.granularity and by_period.cohort_number = starts.period_number
    inner join {{ ref('reporting_periods') }} as periods
        on
            by_period.granularity = periods.granularity
            and by_period.cohort_number + by_period.period_number = periods.period_number
)

select
    -- strings
    cast(cohort as String) as cohort,
    cast(anchor_event as String) as anchor_event,
    cast(anchor_type as String) as anchor_type,
    cast(return_event as String) as return_event,
    cast(granularity as String) as granularity,
    cast(breakdown_and_value.1 as String) as breakdown,
    cast(breakdown_and_value.2 as String) as breakdown_value,
    -- people
    cast(period_number as UInt16) as period_number,
    cast(cohort_size as UInt64) as cohort_size,
    cast(if(is_complete, cohort_size, 0) as UInt64) as eligible_users,
    cast(if(is_complete, returned, null) as Nullable(UInt64)) as returned_users,
    cast(if(is_complete, returned_or_later, null) as Nullable(UInt64)) as returned_or_later_users,
    cast(if(is_complete, returned / cohort_size, null) as Nullable(Float64)) as retention_rate,
    cast(if(is_complete, returned_or_later / cohort_size, null) as Nullable(Float64)) as unbounded_retention_rate,
    -- money
    cast(if(is_complete, cents_of_first_period, null) as Nullable(Decimal(18, 2))) as first_revenue,
    cast(if(is_complete, cents, null) as Nullable(Decimal(18, 2))) as revenue,
    cast(if(is_complete, {{ revenue_retention('cents', 'cents_of_first_period') }}, null) as Nullable(Float64))
        as revenue_retention_rate,
    -- booleans
    cast(is_complete as Bool) as is_complete,
    cast(is_cohort_partial as Bool) as is_cohort_partial,
    -- dates
    cast(cohort_start as Date) as cohort_start,
    cast(period_start as Date) as period_start
from cells
