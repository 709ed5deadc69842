{{ config(materialized=changing_table(), replaces='person_id', changed='changed_people', order_by='person_id') }}
-- depends_on: {{ ref('person_changes') }}

with
people as (
    select
        person_id,
        argMaxIf(region, {{ event_order('event_at', 'event_id') }}, region != '' and country != '') as newest_region,
        argMaxIf(country, {{ event_order('event_at', 'event_id') }}, region != '' and country != '') as region_country,
        argMaxIf(tax_residence, {{ event_order('event_at', 'event_id') }}, tax_residence != '') as tax_residence,
        minIf(event_at, event_name = 'sign_up') as first_sign_up_at,
        countIf(event_name = 'sign_up') > 0 as has_signed_up,
        groupArrayIf(event_at, event_name = 'calculator_completed') as results_at
    from {{ of_changed_people(ref('person_events')) }}
    group by person_id
),

signed_up as (
    select
        person_id,
        newest_region as region,
        region_country,
        tax_residence,
        if(has_signed_up, first_sign_up_at, null) as signed_up_at,
        arrayFilter(moment -> has_signed_up and moment >= first_sign_up_at, results_at) as later_results_at
    from people
)

select
    -- ids
    person_id,
    -- strings
    region,
    region_country,
    tax_residence,
    -- timestamps
    signed_up_at,
    if(empty(later_results_at), null, arrayMin(later_results_at)) as first_result_after_sign_up_at
from signed_up
