{{ config(order_by='(booking, currency, month)') }}

{# Each booking counts twice: in its own currency, and in the total, whose currency is the empty text. The total takes
   the month at the rate of its last day and the opening balance at that of the month before, so that balances join. #}
with
scoped as (
    select
        bookings.booking as booking,
        bookings.month as month,
        bookings.subscriber_id as subscriber_id,
        bookings.subscriptions_start as subscriptions_start,
        bookings.subscriptions_end as subscriptions_end,
        bookings.is_closing as is_closing,
        arrayJoin(
            [
                (toString(bookings.currency), toDecimal64(1, 8), toDecimal64(1, 8), bookings.mrr_start > 0),
                ('', months.opening_exchange_rate, months.exchange_rate, bookings.is_opening)
            ]
        ) as scope,
        scope.1 as currency,
        scope.4 as is_opening,
        bookings.mrr_start * scope.2 as start_amount,
        bookings.mrr_start * (scope.3 - scope.2) as exchange_amount,
        bookings.new_mrr * scope.3 as new_amount,
        bookings.reactivation_mrr * scope.3 as reactivation_amount,
        bookings.expansion_mrr * scope.3 as expansion_amount,
        bookings.contraction_mrr * scope.3 as contraction_amount,
        bookings.churn_mrr * scope.3 as churn_amount,
        bookings.mrr_end * scope.3 as end_amount
    from {{ ref('mrr_bookings') }} as bookings
    inner join {{ ref('mrr_months') }} as months
        on bookings.month = months.month and bookings.currency = months.currency
),

summed as (
    select
        booking,
        currency,
        month,
        sum(start_amount) as mrr_start,
        sum(exchange_amount) as exchange_effect,
        sum(new_amount) as new_mrr,
        sum(reactivation_amount) as reactivation_mrr,
        sum(expansion_amount) as expansion_mrr,
        sum(contraction_amount) as contraction_mrr,
        sum(churn_amount) as churn_mrr,
        sum(end_amount) as mrr_end,
        sumIf(expansion_amount, is_opening) as opening_expansion_mrr,
        sumIf(contraction_amount, is_opening) as opening_contraction_mrr,
        sumIf(churn_amount, is_opening) as opening_churn_mrr,
        uniqExactIf(subscriber_id, start_amount > 0) as customers_start,
        uniqExactIf(subscriber_id, start_amount > 0 and not is_closing) as churned_customers,
        uniqExactIf(subscriber_id, end_amount > 0) as customers_end,
        sumIf(scoped.subscriptions_start, start_amount > 0) as subscriptions_start,
        sumIf(scoped.subscriptions_end, end_amount > 0) as subscriptions_end
    from scoped
    group by booking, currency, month
),

months as (
    select distinct
        month,
        is_partial,
        arrayJoin([currency, '']) as currency,
        arrayJoin(['event', 'month_end']) as booking
    from {{ ref('mrr_months') }}
)

select
    -- strings
    months.booking as booking,
    months.currency as currency,
    -- money
    {%- for figure in [
        'mrr_start', 'exchange_effect', 'new_mrr', 'reactivation_mrr', 'expansion_mrr', 'contraction_mrr', 'churn_mrr',
        'mrr_end', 'opening_expansion_mrr', 'opening_contraction_mrr', 'opening_churn_mrr', 'customers_start',
        'churned_customers', 'customers_end', 'subscriptions_start', 'subscriptions_end'
    ] %}
    coalesce(summed.{{ figure }}, 0) as {{ figure }},
    {%- endfor %}
    -- booleans
    months.is_partial as is_partial,
    -- dates
    months.month as month
from months
left join summed
    on months.booking = summed.booking and months.currency = summed.currency and months.month = summed.month
