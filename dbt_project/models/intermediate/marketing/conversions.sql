{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people_and_nobody',
    order_by='(person_id, conversion_kind, conversion_id, conversion_date)'
) }}
-- depends_on: {{ ref('person_changes') }}

{# Money follows its order: a charge counts on its own day, a refund on the day of the refund, both for the order they
    name. So the revenue of a day is the net revenue of that day, and nothing is rewritten when money is given back.
    Lines of others may name a person's order: such an order is computed from all its lines. Orders of nobody are those of
    many devices, of which a build of changes keeps the ones that changed. #}
with
kinds as (
    select * from {{ ref('conversion_kinds') }}
),

event_names as (
    select event_name from kinds
    where source = 'event'
),

events as (
    select * from {{ ref('person_events') }}
    where event_name in (select event_names.event_name from event_names)
    {%- if only_changes() %} and person_id in ({{ changed_people() }}){% endif %}
),

known_orders as (
    select * from {{ ref('orders') }}
    {% if only_changes() %}where customer_id in ({{ changed_people_and_nobody() }}){% endif %}
),

lines as (
    select
        if(event_type = 'refund' and refunded_order_id != '', refunded_order_id, order_id) as order_id,
        event_id,
        country,
        reporting_amount,
        revenue_date,
        event_at
    from {{ ref('revenue_lines') }}
    {% if only_changes() %}
    where
        if(event_type = 'refund' and refunded_order_id != '', refunded_order_id, order_id) in (
            select known_orders.order_id from known_orders
        )
        or if(event_type = 'refund' and refunded_order_id != '', refunded_order_id, order_id) not in (
            select orders.order_id from {{ ref('orders') }} as orders
        )
    {% endif %}
),

bookings as (
    select
        order_id,
        argMin(country, (event_at, event_id)) as country,
        sum(reporting_amount) as revenue,
        revenue_date,
        min(event_at) as booked_at
    from lines
    group by order_id, revenue_date
),

orders as (
    select
        order_id,
        customer_id,
        order_date,
        ordered_at,
        customer_id != ''
        and row_number() over (partition by customer_id order by ordered_at asc, order_id asc) = 1 as is_first_order
    from known_orders
),

-- An order without a known customer belongs to the device of its first charge, as the sessions of that device do.
devices as (
    select
        order_id,
        argMin(anonymous_id, (event_at, event_id)) as anonymous_id
    from {{ ref('revenue_lines') }}
    where event_type = 'charge' and customer_id = ''
    group by order_id
),

events_of_kinds as (
    select
        events.person_id as person_id,
        kinds.conversion_kind as conversion_kind,
        toString(events.event_id) as conversion_id,
        events.country as country,
        1 as conversions,
        toDecimal128(0, 12) as revenue,
        events.event_date as conversion_date,
        events.event_at as converted_at,
        kinds.is_repeatable
        or row_number() over (
            partition by events.person_id, kinds.conversion_kind order by events.event_at asc, events.event_id asc
        ) = 1 as is_counted
    from events
    inner join kinds on events.event_name = kinds.event_name and kinds.source = 'event'
),

orders_of_kinds as (
    select
        coalesce(
            nullIf(orders.customer_id, ''), concat('anonymous:', nullIf(devices.anonymous_id, '')), ''
        ) as person_id,
        kinds.conversion_kind as conversion_kind,
        bookings.order_id as conversion_id,
        bookings.country as country,
        coalesce(bookings.revenue_date = orders.order_date, false) as conversions,
        bookings.revenue as revenue,
        bookings.revenue_date as conversion_date,
        coalesce(orders.ordered_at, bookings.booked_at) as converted_at,
        kinds.is_repeatable or coalesce(orders.is_first_order, false) as is_counted
    from bookings
    left join orders on bookings.order_id = orders.order_id
    left join devices on bookings.order_id = devices.order_id
    cross join kinds
    where kinds.source = 'order'
),

counted as (
    select * from events_of_kinds
    where is_counted
    union all
    select * from orders_of_kinds
    where is_counted {% if only_changes() %}and person_id in ({{ changed_people_and_nobody() }}){% endif %}
)

select
    -- ids
    conversion_id,
    person_id,
    -- strings
    conversion_kind,
    country,
    -- numbers
    toUInt64(conversions) as conversions,
    cast(revenue as Decimal(38, 12)) as revenue,
    -- dates
    conversion_date,
    -- timestamps
    converted_at
from counted
