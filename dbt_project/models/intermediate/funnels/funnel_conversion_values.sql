{{ config(order_by='funnel') }}

{#- The order that a conversion brings: the customer's first order from the moment of the last step on, if it comes
    within `funnel_value_days`. The mean is over all conversions that are as old as that, with or without an order. A declared
    value goes before. -#}
with
conversions as (
    select
        chains.funnel as funnel,
        chains.person_id as person_id,
        assumeNotNull(chains.step_times[-1]) as converted_at
    from {{ ref('person_funnels') }} as chains
    inner join {{ ref('declared_funnels') }} as steps
        on chains.funnel = steps.funnel and chains.furthest_step = steps.step and steps.step = steps.steps
    cross join {{ ref('reporting_period') }} as period
    where
        chains.is_best
        and not chains.is_excluded
        and converted_at + toIntervalDay({{ var('funnel_value_days') }}) < {{ funnel_known_until('period') }}
),

customer_orders as (
    select
        customer_id,
        ordered_at,
        argMin(gross_amount, order_id) as amount
    from {{ ref('orders') }}
    where customer_id != ''
    group by customer_id, ordered_at
),

converting_orders as (
    select
        conversions.funnel as funnel,
        conversions.converted_at as converted_at,
        customer_orders.ordered_at as ordered_at,
        customer_orders.amount as amount
    from conversions
    asof left join customer_orders
        on
            conversions.person_id = customer_orders.customer_id
            and conversions.converted_at <= customer_orders.ordered_at
),

ordered as (
    select
        funnel,
        count() as orders,
        sum(amount) as exact_amount
    from converting_orders
    where ordered_at <= converted_at + toIntervalDay({{ var('funnel_value_days') }})
    group by funnel
),

converted as (
    select
        funnel,
        count() as people
    from conversions
    group by funnel
),

observed as (
    select
        converted.funnel as funnel,
        ordered.orders as orders,
        {{ cents_per('ordered.exact_amount', 'converted.people') }} as mean_value
    from converted
    inner join ordered on converted.funnel = ordered.funnel
)

select
    -- strings
    steps.funnel as funnel,
    -- numbers
    coalesce(observed.orders, 0) as orders,
    coalesce(steps.declared_value, observed.mean_value) as value_per_conversion,
    -- booleans
    steps.declared_value is not null as is_declared
from {{ ref('declared_funnels') }} as steps
left join observed on steps.funnel = observed.funnel
where steps.step = 1
