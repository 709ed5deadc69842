{{ config(order_by='(booking, currency, month)') }}

with
figures as (
    select * from {{ ref('mrr_figures') }}
    where currency != ''
)

select
    -- strings
    cast(booking as String) as booking,
    cast(currency as String) as currency,
    -- money in the row's own currency, exact
    cast(mrr_start as Decimal(18, 4)) as mrr_start,
    cast(new_mrr as Decimal(18, 4)) as new_mrr,
    cast(reactivation_mrr as Decimal(18, 4)) as reactivation_mrr,
    cast(expansion_mrr as Decimal(18, 4)) as expansion_mrr,
    cast(contraction_mrr as Decimal(18, 4)) as contraction_mrr,
    cast(churn_mrr as Decimal(18, 4)) as churn_mrr,
    cast(mrr_end as Decimal(18, 4)) as mrr_end,
    cast(opening_expansion_mrr as Decimal(18, 4)) as opening_expansion_mrr,
    cast(opening_contraction_mrr as Decimal(18, 4)) as opening_contraction_mrr,
    cast(opening_churn_mrr as Decimal(18, 4)) as opening_churn_mrr,
    {{ cents_per('mrr_end', 'subscriptions_end') }} as mrr_per_subscription,
    -- people and subscriptions
    cast(customers_start as UInt64) as customers_start,
    cast(churned_customers as UInt64) as churned_customers,
    cast(customers_end as UInt64) as customers_end,
    cast(subscriptions_start as UInt64) as subscriptions_start,
    cast(subscriptions_end as UInt64) as subscriptions_end,
    -- ratios
    {{ money_ratio('mrr_start + opening_expansion_mrr - opening_contraction_mrr - opening_churn_mrr', 'mrr_start') }}
        as nrr,
    {{ money_ratio('mrr_start - opening_contraction_mrr - opening_churn_mrr', 'mrr_start') }} as grr,
    cast(churned_customers / nullIf(customers_start, 0) as Nullable(Float64)) as customer_churn_rate,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(month as Date) as month
from figures
