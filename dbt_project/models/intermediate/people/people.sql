{{ config(materialized=changing_table(), replaces='person_id', changed='changed_people', order_by='person_id') }}
-- depends_on: {{ ref('person_changes') }}

{# The first and the last session of each person; one number orders them, so that the values of one belong together. #}
with
sessions as (
    select
        *,
        {{ event_order('started_at', 'session_id') }} as position
    from {{ of_changed_people(ref('person_sessions')) }}
),

visitors as (
    select
        person_id,
        argMin(channel, position) as first_channel,
        argMin(utm_campaign, position) as first_campaign,
        argMin(country, position) as first_session_country,
        argMin(device_type, position) as first_device_type,
        argMax(channel, position) as last_channel,
        argMax(utm_campaign, position) as last_campaign,
        argMax(country, position) as last_session_country,
        count() as sessions,
        min(started_at) as first_event_at,
        max(started_at) as last_session_at,
        max(ended_at) as last_event_at
    from sessions
    group by person_id
),

{# Also whoever has a subscription and never paid here. #}
revenue_events as (
    {%- for relation in ['revenue_lines', 'subscription_changes'] %}
    select
        customer_id,
        country,
        {{ event_order('event_at', 'event_id') }} as position
    from {{ of_changed_people(ref(relation), 'customer_id') }}
    where customer_id != ''
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

customers as (
    select
        customer_id,
        argMin(country, position) as first_revenue_country,
        argMax(country, position) as last_revenue_country
    from revenue_events
    group by customer_id
),

joined as (
    select
        assumeNotNull(coalesce(visitors.person_id, customers.customer_id)) as person_id,
        coalesce(visitors.first_channel, '') as first_channel,
        coalesce(visitors.first_campaign, '') as first_campaign,
        coalesce(visitors.first_session_country, '') as first_session_country,
        coalesce(visitors.first_device_type, '') as first_device_type,
        coalesce(visitors.last_channel, '') as last_channel,
        coalesce(visitors.last_campaign, '') as last_campaign,
        coalesce(visitors.last_session_country, '') as last_session_country,
        coalesce(visitors.sessions, 0) as sessions,
        visitors.first_event_at as first_event_at,
        visitors.last_session_at as last_session_at,
        visitors.last_event_at as last_event_at,
        coalesce(customers.first_revenue_country, '') as first_revenue_country,
        coalesce(customers.last_revenue_country, '') as last_revenue_country
    from visitors
    full outer join customers on visitors.person_id = customers.customer_id
)

select
    -- ids
    person_id,
    -- strings
    first_channel,
    first_campaign,
    coalesce(nullIf(first_session_country, ''), first_revenue_country) as first_country,
    first_device_type,
    last_channel,
    last_campaign,
    coalesce(nullIf(last_session_country, ''), last_revenue_country) as last_country,
    -- numbers
    sessions,
    -- booleans
    not startsWith(person_id, 'anonymous:') as is_known,
    -- timestamps
    first_event_at,
    last_session_at,
    last_event_at
from joined
