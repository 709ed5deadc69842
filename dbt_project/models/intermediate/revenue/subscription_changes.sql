{{ config(order_by='(subscription_id, change_number)') }}

{#- Changes of the same moment take effect in the order of their types below, then of their ids: what begins a
    subscription, what alters it, what ends it, and what takes an ended one up again. A change that names no subscription
    is one of its own: those of different customers have nothing to do with each other. -#}
{%- set types -%}
['trial_started', 'subscription_started', 'plan_changed', 'subscription_cancelled', 'subscription_reactivated']
{%- endset -%}

with
changes as (
    select
        *,
        indexOf({{ types }}, toString(event_type)) as type_order
    from {{ ref('stg_revenue_events') }}
    where has({{ types }}, toString(event_type)) and {{ until_as_of_date('event_date') }}
),

identities as (
    {{ owners_of_devices() }}
),

identified as (
    select
        changes.*,
        if(changes.subscription_id = '', toString(changes.event_id), changes.subscription_id) as subscription,
        coalesce(nullIf(changes.user_id, ''), identities.user_id, '') as event_customer_id
    from changes
    left join identities on changes.anonymous_id = identities.anonymous_id
)

select
    -- ids
    event_id,
    subscription as subscription_id,
    argMinIf(event_customer_id, (event_at, type_order, event_id), event_customer_id != '')
        over (partition by subscription) as customer_id,
    user_id,
    anonymous_id,
    -- strings
    toString(event_type) as event_type,
    toString(plan) as plan,
    toString(billing_period) as billing_period,
    toString(currency) as currency,
    toString(country) as country,
    toString(reason) as reason,
    -- numbers
    plan_price,
    {{ monthly_price('plan_price', 'billing_period') }} as mrr,
    row_number() over (partition by subscription order by event_at asc, type_order asc, event_id asc)
        as change_number,
    -- timestamps
    event_at
from identified
