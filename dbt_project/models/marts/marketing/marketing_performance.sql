{{ config(order_by='(period_type, attribution_model, period_start, channel)') }}

with
credits as (
    select
        channel,
        attribution_model,
        conversion_date as day,
        sumIf(credited_conversions, conversion_kind = 'sign_up') as sign_ups,
        sumIf(credited_conversions, conversion_kind = 'trial_started') as trials,
        sumIf(credited_conversions, conversion_kind = 'first_purchase') as new_customers,
        sumIf(credited_conversions, conversion_kind = 'order') as orders,
        sumIf(credited_revenue, conversion_kind = 'order') as revenue
    from {{ ref('marketing_attribution') }}
    group by channel, attribution_model, day
),

-- What a channel costs does not depend on the model, so it stands beside every model.
spending as (
    select
        channel,
        arrayJoin({{ attribution_models() }}) as attribution_model,
        spend_date as day,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from {{ ref('marketing_spend_daily') }}
    group by channel, attribution_model, day
),

days as (
    select
        channel,
        attribution_model,
        day,
        sign_ups,
        trials,
        new_customers,
        orders,
        revenue,
        0 as spend,
        0 as impressions,
        0 as clicks
    from credits
    union all
    select
        channel,
        attribution_model,
        day,
        0 as sign_ups,
        0 as trials,
        0 as new_customers,
        0 as orders,
        0 as revenue,
        spend,
        impressions,
        clicks
    from spending
),

periods as (
    select
        channel,
        attribution_model,
        arrayJoin([('day', day), ('month', toStartOfMonth(day))]) as period,
        sum(sign_ups) as sign_ups,
        sum(trials) as trials,
        sum(new_customers) as new_customers,
        sum(orders) as orders,
        sum(revenue) as exact_revenue,
        sum(spend) as exact_spend,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from days
    group by channel, attribution_model, period
),

finished as (
    select
        arrayJoin([('day', day), ('month', toStartOfMonth(day))]) as period,
        count() as finished_days
    from {{ ref('reporting_days') }}
    where not is_partial
    group by period
)

select
    -- strings
    cast(periods.period.1 as String) as period_type,
    cast(periods.channel as String) as channel,
    cast(periods.attribution_model as String) as attribution_model,
    cast('{{ dataset_setting("reporting_currency") }}' as String) as reporting_currency,
    -- results
    cast(periods.sign_ups as Decimal(18, 6)) as credited_sign_ups,
    cast(periods.trials as Decimal(18, 6)) as credited_trials,
    cast(periods.new_customers as Decimal(18, 6)) as new_customers,
    cast(periods.orders as Decimal(18, 6)) as credited_orders,
    {{ to_cents('periods.exact_revenue') }} as attributed_revenue,
    -- cost
    {{ to_cents('periods.exact_spend') }} as marketing_spend,
    cast(periods.impressions as UInt64) as impressions,
    cast(periods.clicks as UInt64) as clicks,
    -- ratios
    {{ exact_quotient('periods.exact_spend', 'periods.new_customers', 2) }} as cac,
    {{ exact_quotient('periods.exact_revenue', 'periods.exact_spend', 4) }} as roas,
    {{ exact_quotient('periods.exact_spend', 'periods.clicks', 4) }} as cpc,
    {{ exact_quotient('periods.clicks', 'periods.impressions', 6) }} as ctr,
    -- booleans
    cast(
        coalesce(finished.finished_days, 0)
        < if(periods.period.1 = 'day', 1, toDayOfMonth(toLastDayOfMonth(periods.period.2))) as Bool
    ) as is_partial,
    -- dates
    cast(periods.period.2 as Date) as period_start
from periods
left join finished on periods.period = finished.period
