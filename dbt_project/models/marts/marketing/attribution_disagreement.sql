{{ config(order_by='(conversion_kind, month, channel)') }}

with
credits as (
    select
        conversion_kind,
        toStartOfMonth(conversion_date) as month,
        channel,
        sumMap(map(attribution_model, credited_conversions)) as credit_by_model
    from {{ ref('marketing_attribution') }}
    group by conversion_kind, month, channel
),

-- Every model shares out the same conversions, so any of them gives the total.
totalled as (
    select
        *,
        sum(credit_by_model['first']) over (partition by conversion_kind, month) as all_conversions
    from credits
),

shared as (
    select
        conversion_kind,
        month,
        channel,
        all_conversions,
        arrayMap(
            model -> assumeNotNull({{ exact_quotient('credit_by_model[model]', 'all_conversions', 6) }}),
            {{ attribution_models() }}
        ) as shares
    from totalled
    where all_conversions > 0
)

select
    -- strings
    cast(conversion_kind as String) as conversion_kind,
    cast(channel as String) as channel,
    cast({{ attribution_models() }}[indexOf(shares, arrayMin(shares))] as String) as lowest_model,
    cast({{ attribution_models() }}[indexOf(shares, arrayMax(shares))] as String) as highest_model,
    -- numbers
    cast(all_conversions as Decimal(18, 6)) as conversions,
    cast(shares[1] as Decimal(18, 6)) as share_first,
    cast(shares[2] as Decimal(18, 6)) as share_last,
    cast(shares[3] as Decimal(18, 6)) as share_last_non_direct,
    cast(shares[4] as Decimal(18, 6)) as share_linear,
    cast(shares[5] as Decimal(18, 6)) as share_position,
    cast(shares[6] as Decimal(18, 6)) as share_time_decay,
    cast(arrayMin(shares) as Decimal(18, 6)) as min_share,
    cast(arrayMax(shares) as Decimal(18, 6)) as max_share,
    cast(arrayMax(shares) - arrayMin(shares) as Decimal(18, 6)) as share_spread,
    -- booleans
    cast(month not in ({{ finished_months() }}) as Bool) as is_partial,
    -- dates
    cast(month as Date) as month
from shared
