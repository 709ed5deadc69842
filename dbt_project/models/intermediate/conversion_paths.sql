{{ config(order_by='(person_id, conversion_kind, conversion_id, conversion_date)') }}

with
conversions as (
    select * from {{ ref('conversions') }}
),

people as (
    select * from {{ ref('person_touches') }}
    where person_id in (select conversions.person_id from conversions)
)

select
    -- ids
    conversions.conversion_id as conversion_id,
    conversions.person_id as person_id,
    -- strings
    conversions.conversion_kind as conversion_kind,
    conversions.country as country,
    -- numbers
    conversions.conversions as conversions,
    conversions.revenue as revenue,
    -- touches
    arrayFilter(
        touch -> touch.1 <= conversions.converted_at
        and touch.1 >= conversions.converted_at - toIntervalDay({{ var('attribution_lookback_days') }}),
        people.touches
    ) as path,
    -- dates
    conversions.conversion_date as conversion_date,
    -- timestamps
    conversions.converted_at as converted_at
from conversions
left join people on conversions.person_id = people.person_id
