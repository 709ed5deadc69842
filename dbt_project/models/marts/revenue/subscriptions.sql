{{ config(order_by='(subscription_id, span_kind, span_number)') }}

{#- Of trials that begin at one moment, the newest. -#}
with
newest_trials as (
    select
        subscription_id,
        started_at,
        argMax((outcome, converted_at), trial_number) as ending
    from {{ ref('trials') }}
    group by subscription_id, started_at
),

paid_spans as (
    select
        spans.subscription_id as subscription_id,
        spans.customer_id as customer_id,
        'paid' as span_kind,
        spans.plan as plan,
        spans.billing_period as billing_period,
        spans.currency as currency,
        spans.country as country,
        multiIf(
            spans.valid_to is null, 'active',
            spans.ended_by = 'subscription_cancelled', 'cancelled',
            'changed'
        ) as status,
        spans.movement as movement,
        spans.ended_reason as ended_reason,
        spans.plan_price as plan_price,
        spans.mrr as mrr,
        spans.span_number as span_number,
        spans.valid_from as valid_from,
        spans.valid_to as valid_to,
        trials.ending.1 as trial_outcome,
        trials.started_at as trial_started_at,
        trials.ending.2 as trial_converted_at
    from {{ ref('subscription_spans') }} as spans
    asof left join newest_trials as trials
        on spans.subscription_id = trials.subscription_id and spans.valid_from >= trials.started_at
),

trial_spans as (
    select
        subscription_id,
        customer_id,
        'trial' as span_kind,
        plan,
        billing_period,
        currency,
        country,
        concat('trial_', outcome) as status,
        'none' as movement,
        '' as ended_reason,
        plan_price,
        0 as mrr,
        trial_number as span_number,
        started_at as valid_from,
        if(outcome = 'open', null, coalesce(converted_at, ends_at)) as valid_to,
        outcome as trial_outcome,
        started_at as trial_started_at,
        converted_at as trial_converted_at
    from {{ ref('trials') }}
),

spans as (
    select * from paid_spans
    union all
    select * from trial_spans
),

rates as (
    {{ rates_into_reporting_currency() }}
),

rated as (
    select
        spans.*,
        {{ rate_of('spans.currency', 'rates.rate', 'spans.mrr') }} as exchange_rate
    from spans
    asof left join rates
        on spans.currency = rates.currency and {{ reporting_date('spans.valid_from') }} >= rates.valid_from
)

select
    -- ids
    cast(subscription_id as String) as subscription_id,
    cast(customer_id as String) as customer_id,
    -- strings
    cast(span_kind as String) as span_kind,
    cast(plan as String) as plan,
    cast(billing_period as String) as billing_period,
    cast(currency as String) as currency,
    cast(country as String) as country,
    cast(status as String) as status,
    cast(movement as String) as movement,
    cast(ended_reason as String) as ended_reason,
    cast(coalesce(trial_outcome, '') as String) as trial_outcome,
    -- numbers
    cast(plan_price as Decimal(18, 4)) as plan_price,
    cast(mrr as Decimal(18, 4)) as mrr,
    cast(mrr * exchange_rate as Decimal(38, 12)) as reporting_mrr,
    cast(span_number as UInt32) as span_number,
    -- timestamps
    cast(valid_from as DateTime64(3, 'UTC')) as valid_from,
    cast(valid_to as Nullable(DateTime64(3, 'UTC'))) as valid_to,
    cast(trial_started_at as Nullable(DateTime64(3, 'UTC'))) as trial_started_at,
    cast(trial_converted_at as Nullable(DateTime64(3, 'UTC'))) as trial_converted_at
from rated
