{{ config(order_by='kpi_date') }}

with
{#- Figures that are drilled too are read from the cells of the whole. #}
figures as (
    select
        {%- for measure in [
            'activated_sign_ups', 'trials_started', 'trials_converted', 'mrr', 'active_subscriptions',
            'opening_customers', 'churned_customers', 'opening_mrr', 'retained_mrr', 'kept_mrr', 'requests',
            'failed_requests',
        ] %}
        coalesce(sumIf(amount, measure = '{{ measure }}'), 0) as {{ measure }},
        {%- endfor %}
        day
    from {{ ref('kpi_cells_daily') }}
    where dimension = 'all'
    group by day
),

latencies as (
    select
        day,
        {{ exact_quantile(0.5, 'latency_ms', 'requests') }} as p50,
        {{ exact_quantile(0.95, 'latency_ms', 'requests') }} as p95
    from {{ ref('request_durations') }}
    where dimension = 'all'
    group by day
),

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
        coalesce(sales.net_revenue, 0) as exact_net_revenue,
        if(windows.is_activation_mature, toUInt64(figures.activated_sign_ups), null) as activated,
        toUInt64(figures.trials_started) as trials,
        if(windows.is_trial_mature, toUInt64(figures.trials_converted), null) as converted,
        toUInt64(figures.active_subscriptions) as subscriptions,
        toUInt64(figures.opening_customers) as openers,
        toUInt64(figures.churned_customers) as leavers,
        figures.mrr as exact_mrr,
        figures.opening_mrr as exact_opening_mrr,
        figures.retained_mrr as exact_retained_mrr,
        figures.kept_mrr as exact_kept_mrr,
        toUInt64(figures.requests) as requests,
        toUInt64(figures.failed_requests) as failed_requests,
        if(coalesce(figures.requests, 0) = 0, null, latencies.p50) as p50,
        if(coalesce(figures.requests, 0) = 0, null, latencies.p95) as p95
    from {{ ref('reporting_days') }} as days
    left join {{ ref('active_users_daily') }} as users on days.day = users.day
    left join {{ ref('sign_ups_daily') }} as sign_ups on days.day = sign_ups.day
    left join {{ ref('sessions_daily') }} as sessions on days.day = sessions.day
    left join {{ ref('orders_daily') }} as orders on days.day = orders.day
    left join {{ ref('sales_daily') }} as sales on days.day = sales.day
    left join {{ ref('kpi_days') }} as windows on days.day = windows.day
    left join figures on days.day = figures.day
    left join latencies on days.day = latencies.day
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
    cast(activated as Nullable(UInt64)) as activated_sign_ups,
    cast(activated / nullIf(sign_ups, 0) as Nullable(Float64)) as activation_rate,
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
    -- subscriptions
    cast(coalesce(trials, 0) as UInt64) as trials_started,
    cast(converted as Nullable(UInt64)) as trials_converted,
    cast(converted / nullIf(trials, 0) as Nullable(Float64)) as trial_conversion_rate,
    cast(coalesce(subscriptions, 0) as UInt64) as active_subscriptions,
    {{ to_cents('coalesce(exact_mrr, 0)') }} as mrr,
    cast(coalesce(openers, 0) as UInt64) as opening_customers,
    cast(coalesce(leavers, 0) as UInt64) as churned_customers,
    cast(leavers / nullIf(openers, 0) as Nullable(Float64)) as churn_rate,
    {{ to_cents('coalesce(exact_opening_mrr, 0)') }} as opening_mrr,
    {{ to_cents('coalesce(exact_retained_mrr, 0)') }} as retained_mrr,
    {{ to_cents('coalesce(exact_kept_mrr, 0)') }} as kept_mrr,
    {{ money_ratio('exact_retained_mrr', 'exact_opening_mrr') }} as nrr,
    {{ money_ratio('exact_kept_mrr', 'exact_opening_mrr') }} as grr,
    -- requests
    cast(coalesce(requests, 0) as UInt64) as requests,
    cast(coalesce(failed_requests, 0) as UInt64) as failed_requests,
    cast(failed_requests / nullIf(requests, 0) as Nullable(Float64)) as error_rate,
    cast(p50 as Nullable(UInt32)) as latency_p50_ms,
    cast(p95 as Nullable(UInt32)) as latency_p95_ms,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    cast(is_monthly_window_partial as Bool) as is_monthly_window_partial,
    -- dates
    cast(kpi_date as Date) as kpi_date
from measured
