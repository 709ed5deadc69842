{{ config(order_by='customer_id') }}

with
customer_orders as (
    select
        customer_id,
        count() as frequency,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date
    from {{ ref('orders') }}
    where customer_id != ''
    group by customer_id
),

customer_spend as (
    select
        customer_id,
        sum(reporting_amount) as net_spend
    from {{ ref('revenue_lines') }}
    where customer_id != ''
    group by customer_id
),

measured as (
    select
        orders.customer_id as customer_id,
        orders.first_order_date as first_order_date,
        orders.last_order_date as last_order_date,
        period.as_of_date as as_of_date,
        period.as_of_date - orders.last_order_date as recency_days,
        orders.frequency as frequency,
        {{ to_cents('spend.net_spend') }} as monetary,
        {{ cents_per('spend.net_spend', 'orders.frequency') }} as monetary_per_order
    from customer_orders as orders
    inner join customer_spend as spend on orders.customer_id = spend.customer_id
    cross join {{ ref('reporting_period') }} as period
),

scored as (
    select
        *,
        {{ var('rfm_bins') }} + 1 - ({{ quantile_score('recency_days', var('rfm_bins')) }}) as recency_score,
        {{ quantile_score('frequency', var('rfm_bins')) }} as frequency_score,
        {{ quantile_score('monetary', var('rfm_bins')) }} as monetary_score
    from measured
),

segments as (
    select * from {{ ref('rfm_segments') }}
)

select
    -- ids
    cast(scored.customer_id as String) as customer_id,
    -- strings
    cast(segments.segment as String) as segment,
    -- numbers
    cast(scored.recency_days as UInt32) as recency_days,
    cast(scored.frequency as UInt64) as frequency,
    cast(scored.monetary as Decimal(18, 2)) as monetary,
    cast(scored.monetary_per_order as Decimal(18, 2)) as monetary_per_order,
    cast(scored.recency_score as UInt8) as recency_score,
    cast(scored.frequency_score as UInt8) as frequency_score,
    cast(scored.monetary_score as UInt8) as monetary_score,
    -- dates
    cast(scored.first_order_date as Date) as first_order_date,
    cast(scored.last_order_date as Date) as last_order_date,
    cast(scored.as_of_date as Date) as as_of_date
from scored
left join segments
    on scored.recency_score = segments.recency_score and scored.frequency_score = segments.frequency_score
