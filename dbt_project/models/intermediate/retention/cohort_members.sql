{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_buyers',
    order_by='(cohort, person_id)'
) }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('event_changes') }}, {{ ref('user_identities') }}
-- depends_on: {{ ref('shared_purchases') }}
{% set of_changed = '(' ~ changed_buyers() ~ ')' if only_changes() %}

{# What a cohort may be declared on: any event of the product, `activity` (any of them) and `order`. #}
with
definitions as (
    select * from {{ ref('cohort_definitions') }}
),

event_days as (
    select
        person_id,
        toString(event_name) as event_name,
        event_days
    from {{ ref('user_event_days') }}
    where
        event_name not in ('activity', 'order')
        and {{ 'person_id in ' ~ of_changed if of_changed else 'true' }}
    union all
    select
        person_id,
        'activity' as event_name,
        active_days as event_days
    from {{ ref('user_activity') }}
    {{ 'where person_id in ' ~ of_changed if of_changed }}
    union all
    select
        customer_id as person_id,
        'order' as event_name,
        arraySort(groupUniqArray(order_date)) as event_days
    from {{ ref('orders') }}
    where customer_id != '' {{ 'and customer_id in ' ~ of_changed if of_changed }}
    group by customer_id
),

histories as (
    select
        person_id,
        mapFromArrays(groupArray(event_name), groupArray(event_days)) as days_of
    from event_days
    group by person_id
),

spend as (
    select
        customer_id,
        arraySort(groupArray((revenue_date, assumeNotNull(reporting_amount)))) as revenue_lines
    from {{ ref('revenue_lines') }}
    where customer_id != '' {{ 'and customer_id in ' ~ of_changed if of_changed }}
    group by customer_id
),

people as (
    select
        person_id,
        first_country,
        first_channel
    from {{ ref('people') }}
    {{ 'where person_id in ' ~ of_changed if of_changed }}
)

select
    -- ids
    histories.person_id as person_id,
    -- strings
    definitions.cohort as cohort,
    definitions.anchor_type as anchor_type,
    people.first_country as country,
    people.first_channel as channel,
    -- numbers
    spend.revenue_lines as revenue_lines,
    -- dates
    histories.days_of[definitions.anchor_event] as anchor_days,
    histories.days_of[definitions.return_event] as return_days
from histories
cross join definitions
inner join people on histories.person_id = people.person_id
left join spend on histories.person_id = spend.customer_id
where notEmpty(histories.days_of[definitions.anchor_event])
