{{ config(order_by='(subscription_id, changed_at)') }}

{# What a span does to MRR when it begins, and what its end does beside the beginning of the next one. #}
with
spans as (
    select
        subscription_id,
        customer_id,
        currency,
        span_number,
        arrayJoin(
            [
                (toNullable(valid_from), movement, mrr - previous_mrr, false),
                (valid_to, closing_movement, -mrr, true)
            ]
        ) as booking
    from {{ ref('subscription_spans') }}
)

select
    -- ids
    subscription_id,
    customer_id,
    -- strings
    currency,
    booking.2 as movement,
    -- numbers
    booking.3 as mrr_change,
    span_number,
    -- booleans
    booking.4 as is_end,
    -- dates
    toStartOfMonth({{ reporting_date('assumeNotNull(booking.1)') }}) as month,
    -- timestamps
    assumeNotNull(booking.1) as changed_at
from spans
where booking.2 != 'none'
