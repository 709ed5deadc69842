{{ config(order_by='customer_id') }}

{#- Of several subscriptions of a customer the running one with the newest terms speaks; without one an open trial;
    else they had something. Spans and trials end at the as-of date, so an open one is current. -#}
with
terms as (
    select
        customer_id,
        plan,
        billing_period,
        if(valid_to is null, 'active', 'cancelled') as status,
        (valid_from, subscription_id, span_number) as position
    from {{ ref('subscription_spans') }}
    where customer_id != ''
    union all
    select
        customer_id,
        plan,
        billing_period,
        if(outcome = 'open', 'trialing', 'trial_ended') as status,
        (started_at, subscription_id, trial_number) as position
    from {{ ref('trials') }}
    where customer_id != ''
),

ranked as (
    select
        customer_id,
        argMax(
            (status, plan, billing_period),
            (indexOf(['trial_ended', 'cancelled', 'trialing', 'active'], status), position)
        ) as current_terms
    from terms
    group by customer_id
)

select
    -- ids
    customer_id,
    -- strings
    current_terms.1 as subscription_status,
    if(subscription_status in ('active', 'trialing'), current_terms.2, '') as plan,
    if(subscription_status in ('active', 'trialing'), current_terms.3, '') as billing_period
from ranked
