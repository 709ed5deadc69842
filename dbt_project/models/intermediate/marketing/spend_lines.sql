{{ config(order_by='(spend_date, channel, campaign, country)') }}

with
lines as (
    select * from {{ ref('stg_marketing_spend') }}
    where {{ until_as_of_date('spend_date') }}
),

rates as (
    {{ rates_into_reporting_currency() }}
),

rated as (
    select
        lines.*,
        {{ rate_of('lines.currency', 'rates.rate', 'lines.spend') }} as exchange_rate
    from lines
    asof left join rates on lines.currency = rates.currency and lines.spend_date >= rates.valid_from
)

select
    -- ids
    event_id,
    -- strings
    channel,
    campaign,
    country,
    currency,
    -- numbers
    spend,
    exchange_rate,
    toDecimal128(spend, 4) * exchange_rate as reporting_spend,
    impressions,
    clicks,
    -- dates
    spend_date
from rated
