{{ config(order_by='(is_known, person_id)') }}

with
devices as (
    select
        arrayJoin(arrayConcat(user_ids, if(is_conflict, [concat('anonymous:', anonymous_id)], []))) as person_id,
        count() as devices,
        countIf(is_conflict) as shared_devices
    from {{ ref('user_identities') }}
    group by person_id
),

purchases as (
    select
        customer_id,
        count() as orders,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date
    from {{ ref('orders') }}
    where customer_id != ''
    group by customer_id
),

spend as (
    select
        customer_id,
        sum(reporting_amount) as exact_net_revenue
    from {{ ref('revenue_lines') }}
    where customer_id != ''
    group by customer_id
),

period as (
    select
        as_of_date,
        least({{ start_of_reporting_date('as_of_date + 1') }}, complete_until) as observed_until
    from {{ ref('reporting_period') }}
),

joined as (
    select
        people.person_id as person_id,
        people.first_channel as first_channel,
        people.first_campaign as first_campaign,
        people.last_channel as last_channel,
        people.last_campaign as last_campaign,
        people.first_device_type as first_device_type,
        people.first_country as first_country,
        people.last_country as last_country,
        people.sessions as sessions,
        people.is_known as is_known,
        people.first_event_at as first_event_at,
        people.last_session_at as last_session_at,
        people.last_event_at as last_event_at,
        devices.devices as devices,
        devices.shared_devices as shared_devices,
        if(profiles.region_country = people.last_country, profiles.region, '') as region,
        profiles.tax_residence as tax_residence,
        profiles.signed_up_at as signed_up_at,
        profiles.signed_up_at + toIntervalHour(24 * {{ var('activation_days') }}) as activation_ends_at,
        profiles.first_result_after_sign_up_at as first_result_at,
        subscriptions.subscription_status as subscription_status,
        subscriptions.plan as plan,
        subscriptions.billing_period as billing_period,
        activity.events as events,
        activity.active_days as days,
        purchases.orders as orders,
        purchases.first_order_date as first_order_date,
        purchases.last_order_date as last_order_date,
        coalesce(spend.exact_net_revenue, 0) as exact_net_revenue,
        period.as_of_date as as_of_date,
        period.observed_until as observed_until
    from {{ ref('people') }} as people
    cross join period
    left join devices on people.person_id = devices.person_id
    left join {{ ref('user_profiles') }} as profiles on people.person_id = profiles.person_id
    left join {{ ref('user_activity') }} as activity on people.person_id = activity.person_id
    left join {{ ref('user_subscriptions') }} as subscriptions on people.person_id = subscriptions.customer_id
    left join purchases on people.person_id = purchases.customer_id
    left join spend on people.person_id = spend.customer_id
)

select
    -- ids
    cast(person_id as String) as person_id,
    cast(if(is_known, person_id, null) as Nullable(String)) as user_id,
    -- strings
    cast(first_channel as String) as first_channel,
    cast(first_campaign as String) as first_campaign,
    cast(last_channel as String) as last_channel,
    cast(last_campaign as String) as last_campaign,
    cast(first_device_type as String) as first_device_type,
    cast(first_country as String) as first_country,
    cast(last_country as String) as country,
    cast(coalesce(region, '') as String) as region,
    cast(coalesce(tax_residence, '') as String) as tax_residence,
    cast(coalesce(nullIf(subscription_status, ''), 'none') as String) as subscription_status,
    cast(coalesce(plan, '') as String) as plan,
    cast(coalesce(billing_period, '') as String) as billing_period,
    -- numbers
    cast(greatest(coalesce(devices, 0), if(is_known, 0, 1)) as UInt64) as devices,
    cast(coalesce(shared_devices, 0) as UInt64) as shared_devices,
    cast(length(days) as UInt64) as active_days,
    cast(sessions as UInt64) as sessions,
    cast(coalesce(events, 0) as UInt64) as events,
    cast(coalesce(orders, 0) as UInt64) as orders,
    {{ to_cents('exact_net_revenue') }} as net_revenue,
    -- booleans
    cast(is_known as Bool) as is_known,
    cast(coalesce(shared_devices, 0) > 0 as Bool) as has_identity_conflict,
    cast(
        multiIf(
            first_result_at <= activation_ends_at, true,
            activation_ends_at < observed_until, false,
            null
        ) as Nullable(Bool)
    ) as is_activated,
    -- dates
    cast(if(notEmpty(days), days[1], null) as Nullable(Date)) as first_active_date,
    cast(if(notEmpty(days), days[-1], null) as Nullable(Date)) as last_active_date,
    cast(if(orders > 0, first_order_date, null) as Nullable(Date)) as first_order_date,
    cast(if(orders > 0, last_order_date, null) as Nullable(Date)) as last_order_date,
    cast(as_of_date as Date) as as_of_date,
    -- timestamps
    cast(first_event_at as Nullable(DateTime64(3, 'UTC'))) as first_touch_at,
    cast(last_session_at as Nullable(DateTime64(3, 'UTC'))) as last_touch_at,
    cast(last_event_at as Nullable(DateTime64(3, 'UTC'))) as last_event_at,
    cast(signed_up_at as Nullable(DateTime64(3, 'UTC'))) as signed_up_at,
    cast(if(first_result_at <= activation_ends_at, first_result_at, null) as Nullable(DateTime64(3, 'UTC')))
        as activated_at
from joined
