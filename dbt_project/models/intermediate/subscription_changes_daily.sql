{{ config(order_by='(day, measure)') }}

{#- Balances as changes by day, own currency: what subscriptions earn a month, and what became of those who were
    customers `monthly_window_days` before. The opening customers of a day are those with revenue at the end of the
    day that many days earlier; a customer who changes the currency leaves one account and opens another, as in the
    movements of MRR. -#}
{%- set window_days = var('monthly_window_days') | int %}
with
spans as (
    select * from {{ ref('subscription_days') }}
    where mrr > 0
),

accounts as (
    select
        customer_id,
        currency,
        any(channel) as channel,
        any(device_type) as device_type,
        arraySort(
            groupArray((valid_from, subscription_id, first_day, until_day, toDecimal128(mrr, 4), country, plan))
        ) as history
    from spans
    group by customer_id, currency
),

turning_days as (
    select
        *,
        arrayFilter(
            day -> day < toDate('2149-01-01'),
            arrayConcat(tupleElement(history, 3), tupleElement(history, 4))
        ) as change_days,
        arraySort(
            arrayDistinct(arrayConcat(change_days, arrayMap(day -> day + {{ window_days }}, change_days)))
        ) as days
    from accounts
),

stretches as (
    select
        currency,
        channel,
        device_type,
        arrayJoin(arrayZip(days, arrayPushBack(arrayPopFront(days), toDate('2149-06-06')))) as stretch,
        arrayFilter(
            span -> span.3 <= stretch.1 - {{ window_days }} and span.4 > stretch.1 - {{ window_days }}, history
        ) as opening_spans,
        arraySum(span -> span.5, arrayFilter(span -> span.3 <= stretch.1 and span.4 > stretch.1, history)) as closing,
        arraySum(span -> span.5, opening_spans) as opening
    from turning_days
),

balances as (
    select
        tupleElement(opening_spans[-1], 6) as country,
        channel,
        tupleElement(opening_spans[-1], 7) as plan,
        device_type,
        currency,
        {{ measures({
            'opening_mrr': 'opening',
            'retained_mrr': 'closing',
            'kept_mrr': 'least(opening, closing)',
            'opening_customers': '1',
            'churned_customers': 'closing = 0',
        }) }} as figures,
        stretch.1 as first_day,
        stretch.2 as until_day
    from stretches
    where opening > 0
    union all
    select
        country,
        channel,
        plan,
        device_type,
        currency,
        {{ measures({'mrr': 'mrr', 'active_subscriptions': '1'}) }} as figures,
        first_day,
        until_day
    from spans
),

changes as (
    select
        *,
        arrayJoin(figures) as figure,
        arrayJoin([(first_day, 1), (until_day, -1)]) as change
    from balances
)

select
    -- strings
    toString(country) as country,
    channel,
    toString(plan) as plan,
    device_type,
    toString(currency) as currency,
    figure.1 as measure,
    -- numbers
    sum(figure.2 * change.2) as amount,
    -- dates
    change.1 as day
from changes
group by country, channel, plan, device_type, currency, measure, day
having amount != 0
