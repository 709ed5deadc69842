{{ config(
    materialized=changing_table(),
    replaces='conversion_date',
    changed='changed_conversion_days',
    order_by='(conversion_kind, attribution_model, conversion_date, channel, campaign, country)',
    meta={'variables': ['attribution_half_life_days', 'attribution_position_end_percent']}
) }}

{# All models in one pass: a touch carries an array with its millionths under each model, sums are taken element by
    element, and the models are unfolded last, when there are few rows. A build of changes
    computes the days on which other conversions or other paths stand than before. #}
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
    {% if only_changes() %}where conversion_date in ({{ changed_conversion_days() }}){% endif %}
),

credited as (
    select
        conversion_kind,
        conversions,
        revenue,
        conversion_date,
        touches,
        arrayMap(parts -> {{ millionths('parts') }}, {{ attribution_parts('touches') }}) as credits
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

days as (
    {{ contents_of_conversion_days() }}
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
    unfolded.conversion_kind as conversion_kind,
    unfolded.credit.1 as attribution_model,
    unfolded.channel as channel,
    unfolded.campaign as campaign,
    unfolded.country as country,
    -- numbers
    cast(toDecimal128(unfolded.credit.3, 6) / 1000000 as Decimal(18, 6)) as credited_conversions,
    cast(toDecimal128(unfolded.credit.4, 18) / 1000000 as Decimal(38, 18)) as credited_revenue,
    assumeNotNull(days.content_of_day) as content_of_day,
    -- dates
    unfolded.conversion_date as conversion_date
from unfolded
left join days on unfolded.conversion_date = days.conversion_date
where unfolded.credit.2 > 0
