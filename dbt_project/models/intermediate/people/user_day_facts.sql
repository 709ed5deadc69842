{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(person_id, anonymous_id, active_date)',
    meta={'variables': ['session_gap_minutes']}
) }}
-- depends_on: {{ ref('person_changes') }}


{# Events that carry the user and events of a device stay apart, so that what was known at an earlier moment can be
    put together again: features add a device's rows from the day on which it was identified. `visits` are runs
    without a pause, cut within the day; runs of several rows merge where no more than the gap lies between. #}
with
events as (
    select
        *,
        if(user_id = '', anonymous_id, '') as device,
        {{ event_order('event_at', 'event_id') }} as position
    from {{ of_changed_people(ref('person_events')) }}
),

days as (
    select
        person_id,
        device,
        event_date,
        argMaxIf(country, position, country != '') as newest_country,
        argMaxIf(tax_residence, position, tax_residence != '') as newest_tax_residence,
        argMaxIf(country, position, country != '' and region != '') as newest_region_country,
        argMaxIf(region, position, country != '' and region != '') as newest_region,
        argMin(
            {{ packed_texts(['utm_source', 'utm_medium', 'referrer_host', 'device_type']) }}, position
        ) as first_event,
        maxIf(position, country != '') as country_position,
        maxIf(position, country != '' and region != '') as region_position,
        maxIf(position, tax_residence != '') as tax_residence_position,
        min(position) as first_position,
        count() as events,
        countIf(event_name = 'page_view') as page_views,
        countIf(event_name = 'calculator_started') as calculators_started,
        countIf(event_name = 'calculator_completed') as calculators_completed,
        countIf(event_name = 'calculator_error') as calculator_errors,
        countIf(event_name = 'checkout_started') as checkouts_started,
        countIf(event_name = 'sign_up') > 0 as has_signed_up,
        groupUniqArrayIf(properties['calculator'], event_name = 'calculator_started') as calculators,
        arraySort(groupArray(event_at)) as moments
    from events
    group by person_id, device, event_date
),

cut as (
    select
        *,
        arraySplit(
            (moment, previous) -> moment > previous + toIntervalMinute({{ var('session_gap_minutes') }}),
            moments,
            arrayPushFront(arrayPopBack(moments), moments[1])
        ) as runs
    from days
),

sources as (
    select * from {{ ref('traffic_sources') }}
)

select
    -- ids
    cut.person_id as person_id,
    cut.device as anonymous_id,
    -- strings
    sources.channel as first_channel,
    {{ unpacked_text('cut.first_event', 4) }} as first_device_type,
    cut.newest_country as country,
    cut.newest_region_country as region_country,
    cut.newest_region as region,
    cut.newest_tax_residence as tax_residence,
    arraySort(cut.calculators) as calculators,
    -- numbers
    cut.first_position as first_position,
    cut.country_position as country_position,
    cut.region_position as region_position,
    cut.tax_residence_position as tax_residence_position,
    cut.events as events,
    cut.page_views as page_views,
    cut.calculators_started as calculators_started,
    cut.calculators_completed as calculators_completed,
    cut.calculator_errors as calculator_errors,
    cut.checkouts_started as checkouts_started,
    -- booleans
    cut.has_signed_up as has_signed_up,
    -- dates
    cut.event_date as active_date,
    -- timestamps
    arrayMap(run -> (run[1], run[-1]), cut.runs) as visits
from cut
left join sources
    on
        {{ unpacked_text('cut.first_event', 1) }} = sources.utm_source
        and {{ unpacked_text('cut.first_event', 2) }} = sources.utm_medium
        and {{ unpacked_text('cut.first_event', 3) }} = sources.referrer_host
