{{ config(order_by='(cutoff_date, user_id)') }}

{#- A line of money counts on its day, an order on the day of its first charge, for whom that charge names. A refund
    without a user is that of its order's user before its own device is identified, and once it is seen with a second. -#}
with
lines as (
    select
        user_id as carried_user_id,
        anonymous_id,
        revenue_date as day,
        reporting_amount as amount,
        if(event_type = 'refund', -reporting_amount, 0) as refund,
        if(event_type = 'refund' and user_id = '', refunded_order_id, '') as given_back_order_id
    from {{ ref('revenue_lines') }}
),

orders as (
    select
        order_id,
        argMin((user_id, anonymous_id), {{ event_order('event_at', 'event_id') }}) as buyer,
        min(revenue_date) as day
    from {{ ref('revenue_lines') }}
    where event_type = 'charge'
    group by order_id
),

held_lines as (
    select
        lines.given_back_order_id as given_back_order_id,
        {{ known_user('lines.carried_user_id', 'identities') }} as user_id,
        lines.day as day,
        {{ known_from('lines.carried_user_id', 'lines.day', 'identities') }} as known_from,
        {{ known_until('lines.carried_user_id', 'identities') }} as known_until,
        lines.amount as amount,
        lines.refund as refund
    from lines
    left join {{ ref('user_identities') }} as identities on lines.anonymous_id = identities.anonymous_id
),

held_orders as (
    select
        orders.order_id as order_id,
        {{ known_user('orders.buyer.1', 'identities') }} as user_id,
        orders.day as day,
        {{ known_from('orders.buyer.1', 'orders.day', 'identities') }} as known_from,
        {{ known_until('orders.buyer.1', 'identities') }} as known_until
    from orders
    left join {{ ref('user_identities') }} as identities on orders.buyer.2 = identities.anonymous_id
),

given_back as (
    select
        held_orders.user_id as user_id,
        held_lines.day as day,
        arrayJoin([
            (
                greatest(held_lines.day, held_orders.known_from),
                least(held_lines.known_from, held_orders.known_until)
            ),
            (
                greatest(held_lines.day, held_lines.known_until, held_orders.known_from),
                held_orders.known_until
            )
        ]) as known,
        held_lines.amount as amount,
        held_lines.refund as refund
    from held_lines
    inner join held_orders on held_lines.given_back_order_id = held_orders.order_id
    where held_lines.given_back_order_id != ''
),

held as (
    select
        user_id,
        day,
        known_from,
        known_until,
        amount,
        refund,
        false as is_order
    from held_lines
    union all
    select
        user_id,
        day,
        known_from,
        known_until,
        toDecimal128(0, 12) as amount,
        toDecimal128(0, 12) as refund,
        true as is_order
    from held_orders
    union all
    select
        user_id,
        day,
        known.1 as known_from,
        known.2 as known_until,
        amount,
        refund,
        false as is_order
    from given_back
),

histories as (
    select
        user_id,
        min(known_from) as first_known_on,
        arraySort(groupArray((day, known_from, known_until, assumeNotNull(amount), assumeNotNull(refund), is_order)))
            as purchases
    from held
    where user_id != '' and known_from < known_until
    group by user_id
),

at_cutoffs as (
    select
        histories.user_id as user_id,
        cutoffs.cutoff_date as cutoff,
        arrayFilter(line -> line.2 <= cutoff and cutoff < line.3, histories.purchases) as lines,
        tupleElement(arrayFilter(line -> line.6, lines), 1) as order_dates
    from histories
    cross join {{ ref('feature_cutoffs') }} as cutoffs
    where histories.first_known_on <= cutoffs.cutoff_date
)

select
    -- ids
    user_id,
    -- numbers
    length(order_dates) as orders,
    arrayCount(day -> day > cutoff - 90, order_dates) as orders_90d,
    arraySum(tupleElement(lines, 4)) as net_revenue,
    arraySum(line -> if(line.1 > cutoff - 90, line.4, toDecimal128(0, 12)), lines) as net_revenue_90d,
    arraySum(tupleElement(lines, 5)) as refunds,
    -- dates
    cutoff as cutoff_date,
    tupleElement(lines[1], 1) as first_purchase_date,
    nullIf(order_dates[-1], toDate(0)) as last_order_date
from at_cutoffs
where notEmpty(lines)
