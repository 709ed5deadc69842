{{ config(order_by='(booking, month)') }}

with
figures as (
    select
        *,
        mrr_start + exchange_effect as revalued_start
    from {{ ref('mrr_figures') }}
    where currency = ''
)

select
    -- strings
    cast(booking as String) as booking,
    cast('{{ dataset_setting("reporting_currency") }}' as String) as reporting_currency,
    -- money in the reporting currency, exact
    cast(mrr_start as Decimal(38, 12)) as mrr_start,
    cast(exchange_effect as Decimal(38, 12)) as exchange_effect,
    cast(new_mrr as Decimal(38, 12)) as new_mrr,
    cast(reactivation_mrr as Decimal(38, 12)) as reactivation_mrr,
    cast(expansion_mrr as Decimal(38, 12)) as expansion_mrr,
    cast(contraction_mrr as Decimal(38, 12)) as contraction_mrr,
    cast(churn_mrr as Decimal(38, 12)) as churn_mrr,
    cast(mrr_end as Decimal(38, 12)) as mrr_end,
    cast(opening_expansion_mrr as Decimal(38, 12)) as opening_expansion_mrr,
    cast(opening_contraction_mrr as Decimal(38, 12)) as opening_contraction_mrr,
    cast(opening_churn_mrr as Decimal(38, 12)) as opening_churn_mrr,
    {{ cents_per('mrr_end', 'subscriptions_end') }} as mrr_per_subscription,
    -- people and subscriptions
    cast(customers_start as UInt64) as customers_start,
    cast(churned_customers as UInt64) as churned_customers,
    cast(customers_end as UInt64) as customers_end,
    cast(subscriptions_start as UInt64) as subscriptions_start,
    cast(subscriptions_end as UInt64) as subscriptions_end,
    -- ratios, all at the rate of the month's last day
    {{ money_ratio(
        'revalued_start + opening_expansion_mrr - opening_contraction_mrr - opening_churn_mrr', 'revalued_start'
    ) }} as nrr,
    {{ money_ratio('revalued_start - opening_contraction_mrr - opening_churn_mrr', 'revalued_start') }} as grr,
    cast(churned_customers / nullIf(customers_start, 0) as Nullable(Float64)) as customer_churn_rate,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(month as Date) as month
from figures
