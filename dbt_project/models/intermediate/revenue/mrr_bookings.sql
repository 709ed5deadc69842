{{ config(order_by='(booking, month, currency, subscriber_id)') }}

{# Sums over several currencies are only compared with zero: does the customer pay at all? #}
with
months as (
    select
        *,
        sum(mrr_start) over (partition by month, subscriber_id) > 0 as is_opening,
        sum(mrr_end) over (partition by month, subscriber_id) > 0 as is_closing,
        sum(new_mrr) over (partition by month, subscriber_id) > 0 as is_new
    from {{ ref('subscriber_months') }}
),

{# What the two ends of the month tell, without what happened in between. #}
compared as (
    select
        *,
        mrr_end - mrr_start as net_change,
        multiIf(
            mrr_end = mrr_start, 'none',
            not is_opening, if(is_new, 'new', 'reactivation'),
            not is_closing, 'churn',
            mrr_end > mrr_start, 'expansion',
            'contraction'
        ) as net_movement
    from months
),

booked as (
    select
        *,
        arrayJoin(
            [
                ('event', new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, churn_mrr),
                (
                    'month_end',
                    if(net_movement = 'new', net_change, 0),
                    if(net_movement = 'reactivation', net_change, 0),
                    if(net_movement = 'expansion', net_change, 0),
                    if(net_movement = 'contraction', -net_change, 0),
                    if(net_movement = 'churn', -net_change, 0)
                )
            ]
        ) as movements
    from compared
)

select
    -- ids
    subscriber_id,
    -- strings
    movements.1 as booking,
    currency,
    -- numbers
    mrr_start,
    movements.2 as new_mrr,
    movements.3 as reactivation_mrr,
    movements.4 as expansion_mrr,
    movements.5 as contraction_mrr,
    movements.6 as churn_mrr,
    mrr_end,
    subscriptions_start,
    subscriptions_end,
    -- booleans
    is_opening,
    is_closing,
    -- dates
    month
from booked
