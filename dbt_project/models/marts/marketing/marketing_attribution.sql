{{ config(order_by='(conversion_kind, attribution_model, conversion_date, channel, campaign, country)') }}

{#- All models in one pass: a touch carries an array with its millionths under each model, sums are taken element by
    element, and the models are unfolded last, when there are few rows. -#}
with
paths as (
    select
        conversion_kind,
        conversions,
        revenue,
        conversion_date,
        converted_at,
        if(
            empty(path),
            cast([(converted_at, 'unattributed', '', country)], '{{ touches_type() }}'),
            path
        ) as touches
    from {{ ref('conversion_paths') }}
),

credited as (
    select
        conversion_kind,
        conversions,
        revenue,
        conversion_date,
        touches,
        arrayMap(parts -> {{ millionths('parts') }}, {{ attribution_parts('touches', 'converted_at') }}) as credits
    from paths
),

touched as (
    select
        conversion_kind,
        conversions,
        revenue,
        conversion_date,
        arrayJoin(
            arrayMap(
                (touch, place) -> (
                    touch.channel, touch.campaign, touch.country, arrayMap(credit -> credit[place], credits)
                ),
                touches,
                arrayEnumerate(touches)
            )
        ) as touch
    from credited
),

summed as (
    select
        conversion_kind,
        conversion_date,
        touch.1 as channel,
        touch.2 as campaign,
        touch.3 as country,
        sumForEach(touch.4) as shares,
        sumForEach(arrayMap(credit -> credit * conversions, touch.4)) as conversion_credits,
        sumForEach(arrayMap(credit -> credit * revenue, touch.4)) as revenue_credits
    from touched
    group by conversion_kind, conversion_date, channel, campaign, country
),

unfolded as (
    select
        conversion_kind,
        conversion_date,
        channel,
        campaign,
        country,
        arrayJoin(
            arrayZip({{ attribution_models() }}, shares, conversion_credits, revenue_credits)
        ) as credit
    from summed
)

select
    -- strings
    cast(conversion_kind as String) as conversion_kind,
    cast(credit.1 as String) as attribution_model,
    cast(channel as String) as channel,
    cast(campaign as String) as campaign,
    cast(country as String) as country,
    -- numbers
    cast(toDecimal128(credit.3, 6) / 1000000 as Decimal(18, 6)) as credited_conversions,
    cast(toDecimal128(credit.4, 18) / 1000000 as Decimal(38, 18)) as credited_revenue,
    -- dates
    cast(conversion_date as Date) as conversion_date
from unfolded
where credit.2 > 0
