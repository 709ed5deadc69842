{{ config(order_by='(subscription_id, span_number)') }}

with
{# A subscription runs from its start, or its return, until it is cancelled; changes of plan do not alter that. #}
states as (
    select
        *,
        coalesce(
            anyLast(if(event_type = 'plan_changed', null, event_type != 'subscription_cancelled')) over history, false
        ) as runs
    from {{ ref('subscription_changes') }}
    where event_type != 'trial_started'
    window history as (partition by subscription_id order by change_number asc)
),

with_state_before as (
    select
        *,
        lag(runs, 1, false) over history as ran
    from states
    window history as (partition by subscription_id order by change_number asc)
),

{# What happens to a subscription that does not run leaves no trace: a second cancellation, a change after the end. #}
effective as (
    select
        *,
        if(runs, mrr, 0) as mrr_after,
        if(ran, lag(mrr) over history, 0) as mrr_before,
        if(ran, lag(currency) over history, currency) as currency_before,
        (plan, billing_period, currency, plan_price) as terms,
        lag((plan, billing_period, currency, plan_price)) over history as terms_before
    from with_state_before
    where runs or ran
    window history as (partition by subscription_id order by change_number asc)
),

{# Terms that are announced again open no new span. #}
steps as (
    select
        *,
        max(mrr_after) over (history rows between unbounded preceding and 1 preceding) > 0 as had_mrr,
        lead(toNullable(event_at)) over history as next_at,
        lead(event_type) over history as next_event_type,
        lead(reason) over history as next_reason
    from effective
    where not (runs and ran and terms = terms_before)
    window history as (partition by subscription_id order by change_number asc)
)

select
    -- ids
    subscription_id,
    customer_id,
    -- strings
    plan,
    billing_period,
    currency,
    country,
    event_type as opened_by,
    multiIf(
        mrr_after = mrr_before and (mrr_after = 0 or currency = currency_before), 'none',
        mrr_after = 0, 'churn',
        mrr_before = 0, if(had_mrr or event_type = 'subscription_reactivated', 'reactivation', 'new'),
        currency != currency_before or mrr_after > mrr_before, 'expansion',
        'contraction'
    ) as movement,
    next_event_type as ended_by,
    next_reason as ended_reason,
    -- numbers
    plan_price,
    mrr_after as mrr,
    row_number() over (partition by subscription_id order by change_number asc) as span_number,
    -- timestamps
    event_at as valid_from,
    next_at as valid_to
from steps
where runs
