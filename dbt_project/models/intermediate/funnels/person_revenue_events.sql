{{ config(order_by='(person_id, event_at, event_id)') }}

with
events as (
    select * from {{ ref('stg_revenue_events') }}
    where (user_id != '' or anonymous_id != '') and {{ until_as_of_date('event_date') }}
),

identities as (
    {{ owners_of_devices() }}
)

select
    -- ids
    events.event_id as event_id,
    {{ person_id('events', 'identities') }} as person_id,
    events.subscription_id as subscription_id,
    events.product_id as product_id,
    -- strings
    events.event_type as event_type,
    events.plan as plan,
    events.previous_plan as previous_plan,
    events.billing_period as billing_period,
    events.currency as currency,
    events.country as country,
    events.reason as reason,
    events.properties as properties,
    -- timestamps
    events.event_at as event_at
from events
left join identities on events.anonymous_id = identities.anonymous_id
