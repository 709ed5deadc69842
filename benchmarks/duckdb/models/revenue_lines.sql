with
rates as (
    select
        currency,
        valid_from::date as valid_from,
        rate::decimal(18, 8) as rate
    from {{ main_seed('exchange_rates') }}
    where reporting_currency = '{{ var("reporting_currency") }}'
)

select
    lines.event_id,
    coalesce(nullif(lines.user_id, ''), identities.user_id, '') as customer_id,
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
where lines.event_type in ('charge', 'refund', 'adjustment')
