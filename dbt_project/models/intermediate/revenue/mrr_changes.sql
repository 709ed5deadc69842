{{ config(order_by='(subscriber_id, changed_at, currency)') }}

{# A customer moves, not a subscription: a second one expands, and to give up one of two contracts. What happens in one
   moment is one change, so whoever ends a subscription and takes another at once has not left. Sums over several
   currencies are only compared with zero. #}
with
edges as (
    select
        {{ subscriber_id('spans') }} as subscriber_id,
        spans.currency as currency,
        arrayJoin([
            (toNullable(spans.valid_from), spans.mrr, spans.opened_by = 'subscription_reactivated'),
            (spans.valid_to, -spans.mrr, false)
        ]) as edge
    from {{ ref('subscription_spans') }} as spans
    where spans.mrr > 0
),

moments as (
    select
        subscriber_id,
        currency,
        sum(edge.2) as mrr_change,
        max(edge.3) as has_return,
        assumeNotNull(edge.1) as changed_at
    from edges
    where edge.1 is not null
    group by subscriber_id, currency, changed_at
),

balances as (
    select
        *,
        max(has_return) over (partition by subscriber_id, changed_at) as is_return,
        minIf(changed_at, mrr_change != 0) over (partition by subscriber_id) as first_change_at,
        sum(mrr_change) over (partition by subscriber_id, changed_at) as change_of_all,
        sum(mrr_change) over (
            partition by subscriber_id order by changed_at asc range between unbounded preceding and current row
        ) as mrr_after
    from moments
)

select
    -- ids
    subscriber_id,
    -- strings
    currency,
    multiIf(
        mrr_after = change_of_all, if(changed_at > first_change_at or is_return, 'reactivation', 'new'),
        mrr_after = 0, 'churn',
        mrr_change > 0, 'expansion',
        'contraction'
    ) as movement,
    -- numbers
    mrr_change,
    -- dates
    toStartOfMonth({{ reporting_date('changed_at') }}) as month,
    -- timestamps
    changed_at
from balances
where mrr_change != 0
