{{ config(order_by='(month, currency, subscriber_id)') }}

{# A change belongs to the month of its moment, so a span is in the balance at the end of each month from the one in
   which it begins to the one before it ends; the balance at the start of a month is that at the end of the month before. #}
with
last_months as (
    select toStartOfMonth(as_of_date) as last_month from {{ ref('reporting_period') }}
),

spans as (
    select
        {{ subscriber_id('spans') }} as subscriber_id,
        spans.currency as currency,
        spans.mrr as mrr,
        last_months.last_month as last_month,
        toStartOfMonth({{ reporting_date('spans.valid_from') }}) as first_month,
        if(
            spans.valid_to is null,
            addMonths(last_months.last_month, 1),
            toStartOfMonth({{ reporting_date('assumeNotNull(spans.valid_to)') }})
        ) as until_month
    from {{ ref('subscription_spans') }} as spans
    cross join last_months
    where spans.mrr > 0
),

balances as (
    select
        *,
        addMonths(first_month, arrayJoin(range(toUInt32(dateDiff('month', first_month, until_month))))) as end_month,
        arrayJoin([(end_month, 0, mrr, 0, 1), (addMonths(end_month, 1), mrr, 0, 1, 0)]) as balance
    from spans
),

entries as (
    select
        balance.1 as month,
        subscriber_id,
        currency,
        'none' as movement,
        cast(0 as Decimal(18, 4)) as mrr_change,
        balance.2 as mrr_start,
        balance.3 as mrr_end,
        balance.4 as subscriptions_start,
        balance.5 as subscriptions_end
    from balances
    where balance.1 <= last_month
    union all
    select
        month,
        subscriber_id,
        currency,
        movement,
        mrr_change,
        0 as mrr_start,
        0 as mrr_end,
        0 as subscriptions_start,
        0 as subscriptions_end
    from {{ ref('mrr_changes') }}
)

select
    -- ids
    subscriber_id,
    -- strings
    currency,
    -- numbers
    sum(mrr_start) as mrr_start,
    sumIf(mrr_change, movement = 'new') as new_mrr,
    sumIf(mrr_change, movement = 'reactivation') as reactivation_mrr,
    sumIf(mrr_change, movement = 'expansion') as expansion_mrr,
    -sumIf(mrr_change, movement = 'contraction') as contraction_mrr,
    -sumIf(mrr_change, movement = 'churn') as churn_mrr,
    sum(mrr_end) as mrr_end,
    sum(subscriptions_start) as subscriptions_start,
    sum(subscriptions_end) as subscriptions_end,
    -- dates
    month
from entries
group by month, subscriber_id, currency
