with
rates as (
    select
        currency,
        valid_from::date as valid_from,
        rate::decimal(18, 8) as rate
    from {{ main_seed('exchange_rates') }}
    where reporting_currency = '{{ var("reporting_currency") }}'
),

refunded_customers as (
    select
        if(charges.order_id = '', charges.event_id, charges.order_id) as order_id,
        arg_min(
            coalesce(nullif(charges.user_id, ''), identities.user_id, ''), (charges.event_at, charges.event_id)
        ) as customer_id
    from {{ ref('revenue_events') }} as charges
    left join {{ ref('identities') }} as identities on charges.anonymous_id = identities.anonymous_id
    where
        charges.event_type = 'charge'
        and if(charges.order_id = '', charges.event_id, charges.order_id) in (
            select refunded_order_id from {{ ref('revenue_events') }}
            where event_type = 'refund' and user_id = ''
        )
    group by all
)

select
    lines.event_id,
    coalesce(nullif(lines.user_id, ''), identities.user_id, refunded_customers.customer_id, '') as customer_id,
    coalesce(nullif(lines.user_id, ''), identities.user_id, 'anonymous:' || nullif(lines.anonymous_id, '')) as person_id,
    if(lines.order_id = '', lines.event_id, lines.order_id) as order_id,
    lines.event_type,
    lines.event_at,
    lines.event_date,
    lines.amount * if(lines.currency = '{{ var("reporting_currency") }}', 1::decimal(18, 8), rates.rate)
        as reporting_amount
from {{ ref('revenue_events') }} as lines
asof left join rates on lines.currency = rates.currency and lines.event_date >= rates.valid_from
left join {{ ref('identities') }} as identities on lines.anonymous_id = identities.anonymous_id
left join refunded_customers
    on lines.event_type = 'refund' and lines.refunded_order_id = refunded_customers.order_id
where lines.event_type in ('charge', 'refund', 'adjustment')
