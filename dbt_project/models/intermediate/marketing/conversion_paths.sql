{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people_and_nobody',
    order_by='(person_id, conversion_kind, conversion_id, conversion_date)',
    meta={'variables': ['attribution_lookback_days']}
) }}
-- depends_on: {{ ref('person_changes') }}

with
conversions as (
    select * from {{ ref('conversions') }}
    {% if only_changes() %}where person_id in ({{ changed_people_and_nobody() }}){% endif %}
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
    cityHash64(
        conversions.conversion_kind, conversions.country, conversions.conversions, conversions.revenue, path,
        conversions.converted_at
    ) as content,
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
