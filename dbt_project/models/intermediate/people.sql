{{ config(materialized=changing_table(), replaces='person_id', changed='changed_people', order_by='person_id') }}
-- depends_on: {{ ref('person_changes') }}

{# The first and the last session of each person, taken as whole rows so that the values belong together. #}
with
visitors as (
    select
        person_id,
        argMin((channel, utm_campaign, country, device_type), (started_at, session_id)) as first_session,
        argMax((channel, utm_campaign, country), (started_at, session_id)) as last_session,
        count() as sessions,
        min(started_at) as first_event_at,
        max(started_at) as last_session_at,
        max(ended_at) as last_event_at
    from {{ of_changed_people(ref('person_sessions')) }}
    group by person_id
),

customers as (
    select
        customer_id,
        argMin(country, (event_at, event_id)) as first_order_country,
        argMax(country, (event_at, event_id)) as last_order_country
    from {{ of_changed_people(ref('revenue_lines'), 'customer_id') }}
    where customer_id != ''
    group by customer_id
),

joined as (
    select
        assumeNotNull(coalesce(visitors.person_id, customers.customer_id)) as person_id,
        visitors.first_session as first_session,
        visitors.last_session as last_session,
        coalesce(visitors.sessions, 0) as sessions,
        visitors.first_event_at as first_event_at,
        visitors.last_session_at as last_session_at,
        visitors.last_event_at as last_event_at,
        coalesce(customers.first_order_country, '') as first_order_country,
        coalesce(customers.last_order_country, '') as last_order_country
    from visitors
    full outer join customers on visitors.person_id = customers.customer_id
)

select
    -- ids
    person_id,
    -- strings
    coalesce(tupleElement(first_session, 1), '') as first_channel,
    coalesce(tupleElement(first_session, 2), '') as first_campaign,
    coalesce(nullIf(tupleElement(first_session, 3), ''), first_order_country) as first_country,
    coalesce(tupleElement(first_session, 4), '') as first_device_type,
    coalesce(tupleElement(last_session, 1), '') as last_channel,
    coalesce(tupleElement(last_session, 2), '') as last_campaign,
    coalesce(nullIf(tupleElement(last_session, 3), ''), last_order_country) as last_country,
    -- numbers
    sessions,
    -- booleans
    not startsWith(person_id, 'anonymous:') as is_known,
    -- timestamps
    first_event_at,
    last_session_at,
    last_event_at
from joined
