{{ config(order_by='customer_id') }}

with
histories as (
    select
        days.customer_id as customer_id,
        days.scope as scope,
        period.as_of_date as known_until,
        count() - 1 as repeat_days,
        min(days.purchase_date) as first_date,
        max(days.purchase_date) as last_date,
        sum(days.amount) - argMin(days.amount, days.purchase_date) as repeat_amount,
        sum(days.orders) - 1 as repeat_orders,
        min(days.first_ordered_at) as first_at,
        max(days.last_ordered_at) as last_at,
        {{ start_of_reporting_date('known_until + 1') }} as observed_until
    from {{ ref('purchase_days') }} as days
    cross join {{ ref('reporting_period') }} as period
    group by customer_id, scope, known_until
),

measured as (
    select
        *,
        last_date - first_date as days_to_last,
        known_until - first_date as days_observed,
        {{ cents_per('repeat_amount', 'repeat_days') }} as repeat_value,
        dateDiff('millisecond', first_at, last_at) / 86400000 as exact_days_to_last,
        dateDiff('millisecond', first_at, observed_until) / 86400000 as exact_days_observed
    from histories
)

select
    -- ids
    cast(customer_id as String) as customer_id,
    -- all orders, counted in days
    cast(maxIf(repeat_days, scope = 'all') as UInt32) as x,
    cast(maxIf(days_to_last, scope = 'all') as UInt32) as t_x,
    cast(maxIf(days_observed, scope = 'all') as UInt32) as T,
    cast(maxOrNullIf(repeat_value, scope = 'all') as Nullable(Decimal(18, 2))) as monetary_mean,
    -- one-off orders, counted in days
    cast(maxOrNullIf(repeat_days, scope = 'one_off') as Nullable(UInt32)) as one_off_x,
    cast(maxOrNullIf(days_to_last, scope = 'one_off') as Nullable(UInt32)) as one_off_t_x,
    cast(maxOrNullIf(days_observed, scope = 'one_off') as Nullable(UInt32)) as one_off_T,
    cast(maxOrNullIf(repeat_value, scope = 'one_off') as Nullable(Decimal(18, 2))) as one_off_monetary_mean,
    -- one-off orders, counted one by one in exact time
    cast(maxOrNullIf(repeat_orders, scope = 'one_off') as Nullable(UInt32)) as one_off_repeat_orders,
    cast(maxOrNullIf(exact_days_to_last, scope = 'one_off') as Nullable(Float64)) as one_off_exact_t_x,
    cast(maxOrNullIf(exact_days_observed, scope = 'one_off') as Nullable(Float64)) as one_off_exact_T,
    -- dates
    cast(minIf(first_date, scope = 'all') as Date) as first_order_date,
    cast(any(known_until) as Date) as as_of_date
from measured
group by customer_id
