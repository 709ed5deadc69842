{{ config(order_by='(cutoff_date, user_id)') }}

{#- A line of money counts on its day, an order on the day of its first charge, for whom that charge names. -#}
with
lines as (
    select
        user_id as carried_user_id,
        anonymous_id,
        revenue_date as day,
        reporting_amount as amount,
        if(event_type = 'refund', -reporting_amount, 0) as refund,
        false as is_order
    from {{ ref('revenue_lines') }}
),

orders as (
    select
        argMin((user_id, anonymous_id), {{ event_order('event_at', 'event_id') }}) as buyer,
        min(revenue_date) as day
    from {{ ref('revenue_lines') }}
    where event_type = 'charge'
    group by order_id
),

purchases as (
    select * from lines
    union all
    select
        buyer.1 as carried_user_id,
        buyer.2 as anonymous_id,
        day,
        toDecimal128(0, 12) as amount,
        toDecimal128(0, 12) as refund,
        true as is_order
    from orders
),

held as (
    select
        {{ known_user('purchases.carried_user_id', 'identities') }} as user_id,
        purchases.day as day,
        {{ known_from('purchases.carried_user_id', 'purchases.day', 'identities') }} as known_from,
        {{ known_until('purchases.carried_user_id', 'identities') }} as known_until,
        purchases.amount as amount,
        purchases.refund as refund,
        purchases.is_order as is_order
    from purchases
    left join {{ ref('user_identities') }} as identities on purchases.anonymous_id = identities.anonymous_id
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
