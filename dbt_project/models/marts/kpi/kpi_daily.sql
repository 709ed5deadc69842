{{ config(order_by='kpi_date') }}

with
measured as (
    select
        days.day as kpi_date,
        days.is_partial as is_partial,
        days.is_monthly_window_partial as is_monthly_window_partial,
        users.dau as dau,
        users.wau as wau,
        users.mau as mau,
        users.sticky_users as sticky_users,
        users.new_users as new_users,
        coalesce(sign_ups.sign_ups, 0) as sign_ups,
        coalesce(sessions.sessions, 0) as sessions,
        coalesce(sessions.bounced_sessions, 0) as bounced_sessions,
        coalesce(orders.orders, 0) as orders,
        coalesce(orders.conversions, 0) as conversions,
        coalesce(orders.active_conversions, 0) as active_conversions,
        coalesce(sales.paying_users, 0) as paying_users,
        coalesce(sales.gross_revenue, 0) as exact_gross_revenue,
        coalesce(sales.adjustments, 0) as exact_adjustments,
        coalesce(sales.refunds, 0) as exact_refunds,
        coalesce(sales.net_revenue, 0) as exact_net_revenue
    from {{ ref('reporting_days') }} as days
    left join {{ ref('active_users_daily') }} as users on days.day = users.day
    left join {{ ref('sign_ups_daily') }} as sign_ups on days.day = sign_ups.day
    left join {{ ref('sessions_daily') }} as sessions on days.day = sessions.day
    left join {{ ref('orders_daily') }} as orders on days.day = orders.day
    left join {{ ref('sales_daily') }} as sales on days.day = sales.day
)

select
    -- strings
    cast('{{ dataset_setting("reporting_currency") }}' as String) as reporting_currency,
    -- users
    cast(dau as UInt64) as dau,
    cast(wau as UInt64) as wau,
    cast(mau as UInt64) as mau,
    cast(dau / nullIf(mau, 0) as Nullable(Float64)) as dau_mau_ratio,
    cast(sticky_users as UInt64) as sticky_users,
    cast(new_users as UInt64) as new_users,
    cast(sign_ups as UInt64) as sign_ups,
    -- sessions
    cast(sessions as UInt64) as sessions,
    cast(bounced_sessions as UInt64) as bounced_sessions,
    cast(bounced_sessions / nullIf(sessions, 0) as Nullable(Float64)) as bounce_rate,
    -- sales
    cast(orders as UInt64) as orders,
    cast(paying_users as UInt64) as paying_users,
    cast(conversions as UInt64) as conversions,
    cast(active_conversions as UInt64) as active_conversions,
    cast(active_conversions / nullIf(dau, 0) as Nullable(Float64)) as conversion_rate,
    -- money: an alias hides the column of the same name, so the exact sums have names of their own
    {{ to_cents('exact_gross_revenue') }} as gross_revenue,
    {{ to_cents('exact_adjustments') }} as adjustments,
    {{ to_cents('exact_refunds') }} as refunds,
    {{ to_cents('exact_net_revenue') }} as net_revenue,
    {{ cents_per('exact_gross_revenue', 'orders') }} as aov,
    {{ cents_per('exact_net_revenue', 'dau') }} as arpu,
    {{ cents_per('exact_net_revenue', 'paying_users') }} as arppu,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    cast(is_monthly_window_partial as Bool) as is_monthly_window_partial,
    -- dates
    cast(kpi_date as Date) as kpi_date
from measured
