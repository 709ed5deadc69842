{{ config(order_by='(spend_date, channel, campaign, country)') }}

with
daily as (
    select
        channel,
        campaign,
        country,
        spend_date,
        sum(reporting_spend) as exact_spend,
        sum(impressions) as shown,
        sum(clicks) as clicked
    from {{ ref('spend_lines') }}
    group by channel, campaign, country, spend_date
)

select
    -- strings
    cast(channel as String) as channel,
    cast(campaign as String) as campaign,
    cast(country as String) as country,
    cast('{{ dataset_setting("reporting_currency") }}' as String) as reporting_currency,
    -- numbers
    cast(exact_spend as Decimal(38, 12)) as spend,
    cast(shown as UInt64) as impressions,
    cast(clicked as UInt64) as clicks,
    -- dates
    cast(spend_date as Date) as spend_date
from daily
