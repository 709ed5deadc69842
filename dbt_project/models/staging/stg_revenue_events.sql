with
{{ each_event_once(source('raw', 'revenue_events')) }}

select
    -- ids
    event_id,
    user_id,
    anonymous_id,
    order_id,
    refunded_order_id,
    subscription_id,
    product_id,
    load_id,
    -- strings
    event_type,
    plan,
    previous_plan,
    billing_period,
    product_name,
    currency,
    country,
    reason,
    properties,
    source,
    -- numbers
    plan_price,
    quantity,
    unit_price,
    amount,
    tax_amount,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
