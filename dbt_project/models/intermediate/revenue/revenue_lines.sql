{{ config(order_by='(customer_id, event_at, event_id)') }}

{# A refund that names nobody belongs to the customer of the order that it gives back. #}
with
money_events as (
    select * from {{ ref('stg_revenue_events') }}
    where event_type in ('charge', 'refund', 'adjustment') and {{ until_as_of_date('event_date') }}
),

identities as (
    {{ owners_of_devices() }}
),

refunded_orders as (
    select refunded_order_id from money_events
    where event_type = 'refund' and user_id = '' and refunded_order_id != ''
),

refunded_customers as (
    select
        {{ order_key('charges') }} as refunded_key,
        argMin(
            coalesce(nullIf(charges.user_id, ''), identities.user_id, ''), (charges.event_at, charges.event_id)
        ) as customer_id
    from money_events as charges
    left join identities on charges.anonymous_id = identities.anonymous_id
    where
        charges.event_type = 'charge'
        and {{ order_key('charges') }} in (select refunded_orders.refunded_order_id from refunded_orders)
    group by refunded_key
),

rates as (
    {{ rates_into_reporting_currency() }}
),

rated as (
    select
        money_events.event_id as event_id,
        money_events.user_id as user_id,
        money_events.anonymous_id as anonymous_id,
        money_events.order_id as order_id,
        money_events.refunded_order_id as refunded_order_id,
        money_events.subscription_id as subscription_id,
        money_events.product_id as product_id,
        money_events.event_type as event_type,
        money_events.plan as plan,
        money_events.billing_period as billing_period,
        money_events.country as country,
        money_events.currency as currency,
        money_events.amount as amount,
        money_events.tax_amount as tax_amount,
        money_events.event_date as event_date,
        money_events.event_at as event_at,
        {{ rate_of(
            'money_events.currency', 'rates.rate', 'abs(money_events.amount) + abs(money_events.tax_amount)'
        ) }} as exchange_rate
    from money_events
    asof left join rates
        on money_events.currency = rates.currency and money_events.event_date >= rates.valid_from
)

select
    -- ids
    rated.event_id as event_id,
    coalesce(
        nullIf(rated.user_id, ''),
        identities.user_id,
        if(rated.event_type = 'refund', refunded_customers.customer_id, ''),
        ''
    ) as customer_id,
    rated.user_id as user_id,
    rated.anonymous_id as anonymous_id,
    {{ order_key('rated') }} as order_id,
    rated.refunded_order_id as refunded_order_id,
    rated.subscription_id as subscription_id,
    rated.product_id as product_id,
    -- strings
    rated.event_type as event_type,
    rated.plan as plan,
    rated.billing_period as billing_period,
    rated.country as country,
    rated.currency as currency,
    -- numbers
    rated.amount as amount,
    rated.tax_amount as tax_amount,
    rated.exchange_rate as exchange_rate,
    toDecimal128(rated.amount, 4) * rated.exchange_rate as reporting_amount,
    -- dates
    rated.event_date as revenue_date,
    -- timestamps
    rated.event_at as event_at
from rated
left join identities on rated.anonymous_id = identities.anonymous_id
left join refunded_customers on rated.refunded_order_id = refunded_customers.refunded_key
