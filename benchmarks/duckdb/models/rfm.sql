with
spend as (
    select
        customer_id,
        sum(reporting_amount) as net_spend
    from {{ ref('revenue_lines') }}
    where customer_id != ''
    group by customer_id
),

customers as (
    select
        customer_id,
        count(*) as frequency,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date
    from {{ ref('orders') }}
    where customer_id != ''
    group by customer_id
),

measured as (
    select
        customers.*,
        (select max(day) from {{ ref('days') }}) - customers.last_order_date as recency_days,
        round(spend.net_spend, 2)::decimal(18, 2) as monetary
    from customers
    inner join spend on customers.customer_id = spend.customer_id
),

scored as (
    select
        *,
        {{ var('rfm_bins') }} + 1 - ({{ quantile_score('recency_days', var('rfm_bins')) }}) as recency_score,
        {{ quantile_score('frequency', var('rfm_bins')) }} as frequency_score,
        {{ quantile_score('monetary', var('rfm_bins')) }} as monetary_score
    from measured
)

select
    scored.*,
    segments.segment
from scored
left join {{ main_seed('rfm_segments') }} as segments
    on
        scored.recency_score = segments.recency_score::int
        and scored.frequency_score = segments.frequency_score::int
