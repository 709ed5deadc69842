{{ config(order_by='(day, measure)') }}

{#- Balances as changes by day, own currency: what subscriptions earn a month, and what became of those who were
    customers `monthly_window_days` before. The opening customers of a day are those with revenue at the end of the
    day that many days earlier. Whoever changes the currency stays a customer; what was kept of a currency is at most
    what stood in it, since a change of currency is a contraction and an expansion, as in the movements of MRR. -#}
{%- set window_days = var('monthly_window_days') | int %}
with
spans as (
    select * from {{ ref('subscription_days') }}
    where mrr > 0
),

customers as (
    select
        customer_id,
        any(channel) as channel,
        any(device_type) as device_type,
        arraySort(
            groupArray(
                (valid_from, subscription_id, first_day, until_day, toDecimal128(mrr, 4), country, plan, currency)
            )
        ) as history
    from spans
    group by customer_id
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
    from customers
),

stretches as (
    select
        channel,
        device_type,
        arrayJoin(arrayZip(days, arrayPushBack(arrayPopFront(days), toDate('2149-06-06')))) as stretch,
        arrayFilter(
            span -> span.3 <= stretch.1 - {{ window_days }} and span.4 > stretch.1 - {{ window_days }}, history
        ) as opening_spans,
        arrayFilter(span -> span.3 <= stretch.1 and span.4 > stretch.1, history) as closing_spans,
        opening_spans[-1] as opening_terms
    from turning_days
),

accounts as (
    select
        *,
        arrayJoin(
            arrayDistinct(arrayConcat(tupleElement(opening_spans, 8), tupleElement(closing_spans, 8)))
        ) as account_currency,
        arraySum(span -> if(span.8 = account_currency, span.5, 0), opening_spans) as opening,
        arraySum(span -> if(span.8 = account_currency, span.5, 0), closing_spans) as closing
    from stretches
    where notEmpty(opening_spans)
),

balances as (
    select
        opening_terms.6 as country,
        channel,
        opening_terms.7 as plan,
        device_type,
        account_currency as currency,
        {{ measures({
            'opening_mrr': 'opening',
            'retained_mrr': 'closing',
            'kept_mrr': 'least(opening, closing)',
        }) }} as figures,
        stretch.1 as first_day,
        stretch.2 as until_day
    from accounts
    union all
    select
        opening_terms.6 as country,
        channel,
        opening_terms.7 as plan,
        device_type,
        opening_terms.8 as currency,
        {{ measures({'opening_customers': '1', 'churned_customers': 'empty(closing_spans)'}) }} as figures,
        stretch.1 as first_day,
        stretch.2 as until_day
    from stretches
    where notEmpty(opening_spans)
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
