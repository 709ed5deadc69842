{{ config(order_by='(cohort, granularity, breakdown, breakdown_value, period_number)') }}

with
complete_cells as (
    select
        cohort as cohort_name,
        granularity,
        breakdown,
        breakdown_value,
        period_number,
        count() as cohorts,
        sum(eligible_users) as eligible_users,
        sum(returned_users) as returned_users,
        sum(returned_or_later_users) as returned_or_later_users,
        sum(first_revenue) as first_revenue,
        sum(revenue) as revenue
    from {{ ref('cohort_analysis') }}
    where is_complete and not is_cohort_partial
    group by cohort_name, granularity, breakdown, breakdown_value, period_number
)

select
    -- strings
    cast(cohort_name as String) as cohort,
    cast(granularity as String) as granularity,
    cast(breakdown as String) as breakdown,
    cast(breakdown_value as String) as breakdown_value,
    -- people
    cast(period_number as UInt16) as period_number,
    cast(cohorts as UInt64) as cohorts,
    cast(eligible_users as UInt64) as eligible_users,
    cast(returned_users as UInt64) as returned_users,
    cast(returned_or_later_users as UInt64) as returned_or_later_users,
    cast(returned_users / eligible_users as Float64) as retention_rate,
    cast(returned_or_later_users / eligible_users as Float64) as unbounded_retention_rate,
    -- money
    cast(first_revenue as Decimal(18, 2)) as first_revenue,
    cast(revenue as Decimal(18, 2)) as revenue,
    cast({{ revenue_retention('revenue', 'first_revenue') }} as Nullable(Float64)) as revenue_retention_rate
from complete_cells
