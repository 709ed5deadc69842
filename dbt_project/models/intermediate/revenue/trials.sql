{{ config(order_by='(subscription_id, trial_number)') }}

with
numbered as (
    select
        *,
        countIf(event_type = 'trial_started') over (partition by subscription_id order by change_number asc)
            as trial_number
    from {{ ref('subscription_changes') }}
    where event_type in ('trial_started', 'subscription_started')
),

measured as (
    select
        subscription_id,
        trial_number,
        any(customer_id) as customer_id,
        argMinIf((plan, billing_period, currency, country, plan_price), change_number, event_type = 'trial_started')
            as terms,
        minIf(event_at, event_type = 'trial_started') as started_at,
        started_at + toIntervalDay({{ var('trial_days') }}) as ends_at,
        minOrNullIf(event_at, event_type = 'subscription_started') as paid_at
    from numbered
    where trial_number > 0
    group by subscription_id, trial_number
),

observed as (
    select least({{ start_of_reporting_date('as_of_date + 1') }}, complete_until) as observed_until
    from {{ ref('reporting_period') }}
)

select
    -- ids
    subscription_id,
    customer_id,
    -- strings
    terms.1 as plan,
    terms.2 as billing_period,
    terms.3 as currency,
    terms.4 as country,
    multiIf(
        coalesce(paid_at <= ends_at, false), 'converted',
        ends_at >= observed.observed_until, 'open',
        'expired'
    ) as outcome,
    -- numbers
    terms.5 as plan_price,
    trial_number,
    -- timestamps
    started_at,
    ends_at,
    if(paid_at <= ends_at, paid_at, null) as converted_at
from measured
cross join observed
