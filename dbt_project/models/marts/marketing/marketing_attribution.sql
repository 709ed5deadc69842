{{ config(materialized='view') }}

select
    -- strings
    cast(conversion_kind as String) as conversion_kind,
    cast(attribution_model as String) as attribution_model,
    cast(channel as String) as channel,
    cast(campaign as String) as campaign,
    cast(country as String) as country,
    -- numbers
    cast(credited_conversions as Decimal(18, 6)) as credited_conversions,
    cast(credited_revenue as Decimal(38, 18)) as credited_revenue,
    -- booleans
    cast(conversion_date not in ({{ finished_days() }}) as Bool) as is_partial,
    -- dates
    cast(conversion_date as Date) as conversion_date
from {{ ref('attribution_credits') }}
