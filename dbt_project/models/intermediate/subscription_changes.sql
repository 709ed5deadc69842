{{ config(order_by='(subscription_id, change_number)') }}

{#- Changes of the same moment take effect in the order of their types below, then of their ids: what begins a
    subscription, what alters it, what ends it, and what takes an ended one up again. -#}
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
        coalesce(nullIf(changes.user_id, ''), identities.user_id, '') as event_customer_id
    from changes
    left join identities on changes.anonymous_id = identities.anonymous_id
)

select
    -- ids
    event_id,
    subscription_id,
    argMinIf(event_customer_id, (event_at, type_order, event_id), event_customer_id != '')
        over (partition by subscription_id) as customer_id,
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
    row_number() over (partition by subscription_id order by event_at asc, type_order asc, event_id asc)
        as change_number,
    -- timestamps
    event_at
from identified
