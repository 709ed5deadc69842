{{ config(order_by='(currency, day)') }}

with
currencies as (
    select
        currency,
        max(mrr) as highest_mrr
    from {{ ref('subscription_days') }}
    group by currency
),

pairs as (
    select
        days.day as day,
        currencies.currency as currency,
        currencies.highest_mrr as highest_mrr
    from {{ ref('reporting_days') }} as days
    cross join currencies
),

rates as (
    {{ rates_into_reporting_currency() }}
)

select
    -- strings
    pairs.currency as currency,
    -- numbers
    {{ rate_of('pairs.currency', 'rates.rate', 'pairs.highest_mrr') }} as exchange_rate,
    -- dates
    pairs.day as day
from pairs
asof left join rates on pairs.currency = rates.currency and pairs.day >= rates.valid_from
