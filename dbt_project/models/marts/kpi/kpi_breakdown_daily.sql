{{ config(order_by='(dimension, dimension_value, kpi_date)') }}

with
figures as (
    select
        dimension,
        dimension_value,
        {%- for measure in [
            'dau', 'wau', 'mau', 'new_users', 'sign_ups', 'activated_sign_ups', 'sessions', 'bounced_sessions', 'orders',
            'paying_users', 'conversions', 'active_conversions', 'trials_started', 'trials_converted',
            'active_subscriptions', 'opening_customers', 'churned_customers', 'gross_revenue', 'adjustments', 'refunds',
            'net_revenue', 'mrr', 'opening_mrr', 'retained_mrr', 'kept_mrr', 'requests', 'failed_requests',
        ] %}
        coalesce(sumIf(amount, measure = '{{ measure }}'), 0) as exact_{{ measure }},
        {%- endfor %}
        day
    from {{ ref('kpi_cells_daily') }}
    group by dimension, dimension_value, day
),

latencies as (
    select
        dimension,
        dimension_value,
        day,
        {{ exact_quantile(0.5, 'latency_ms', 'requests') }} as p50,
        {{ exact_quantile(0.95, 'latency_ms', 'requests') }} as p95
    from {{ ref('request_durations') }}
    group by dimension, dimension_value, day
)

select
    -- strings
    cast(figures.dimension as String) as dimension,
    cast(figures.dimension_value as String) as dimension_value,
    cast('{{ dataset_setting("reporting_currency") }}' as String) as reporting_currency,
    -- users
    cast(figures.exact_dau as UInt64) as dau,
    cast(figures.exact_wau as UInt64) as wau,
    cast(figures.exact_mau as UInt64) as mau,
    cast(figures.exact_new_users as UInt64) as new_users,
    cast(figures.exact_sign_ups as UInt64) as sign_ups,
    cast(if(days.is_activation_mature, figures.exact_activated_sign_ups, null) as Nullable(UInt64))
        as activated_sign_ups,
    -- sessions
    cast(figures.exact_sessions as UInt64) as sessions,
    cast(figures.exact_bounced_sessions as UInt64) as bounced_sessions,
    -- sales
    cast(figures.exact_orders as UInt64) as orders,
    cast(figures.exact_paying_users as UInt64) as paying_users,
    cast(figures.exact_conversions as UInt64) as conversions,
    cast(figures.exact_active_conversions as UInt64) as active_conversions,
    {%- for measure in ['gross_revenue', 'adjustments', 'refunds', 'net_revenue'] %}
    {{ to_cents('figures.exact_' ~ measure) }} as {{ measure }},
    {%- endfor %}
    -- subscriptions
    cast(figures.exact_trials_started as UInt64) as trials_started,
    cast(if(days.is_trial_mature, figures.exact_trials_converted, null) as Nullable(UInt64)) as trials_converted,
    cast(figures.exact_active_subscriptions as UInt64) as active_subscriptions,
    cast(figures.exact_opening_customers as UInt64) as opening_customers,
    cast(figures.exact_churned_customers as UInt64) as churned_customers,
    {%- for measure in ['mrr', 'opening_mrr', 'retained_mrr', 'kept_mrr'] %}
    {{ to_cents('figures.exact_' ~ measure) }} as {{ measure }},
    {%- endfor %}
    -- requests
    {%- for measure in ['requests', 'failed_requests'] %}
    cast(
        if(has({{ request_dimensions() }}, figures.dimension), figures.exact_{{ measure }}, null) as Nullable(UInt64)
    ) as {{ measure }},
    {%- endfor %}
    cast(if(figures.exact_requests = 0, null, latencies.p50) as Nullable(UInt32)) as latency_p50_ms,
    cast(if(figures.exact_requests = 0, null, latencies.p95) as Nullable(UInt32)) as latency_p95_ms,
    -- booleans
    cast(days.is_partial as Bool) as is_partial,
    -- dates
    cast(figures.day as Date) as kpi_date
from figures
inner join {{ ref('kpi_days') }} as days on figures.day = days.day
left join latencies
    on
        figures.dimension = latencies.dimension
        and figures.dimension_value = latencies.dimension_value
        and figures.day = latencies.day
