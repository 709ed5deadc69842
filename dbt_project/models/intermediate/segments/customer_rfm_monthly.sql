{{ config(order_by='(month, customer_id)') }}

with
standings as (
    select
        customers.customer_id as customer_id,
        arrayJoin(
            {{ months_until_next('customers.month', 'customers.next_month', 'toStartOfMonth(period.as_of_date)') }}
        ) as period,
        customers.frequency as frequency,
        customers.net_spend as net_spend,
        customers.last_order_date as last_order_date
    from {{ ref('customer_standings') }} as customers
    cross join {{ ref('reporting_period') }} as period
    where customers.frequency > 0
),

months as (
    select * from {{ ref('reporting_months') }}
),

measured as (
    select
        standings.customer_id as customer_id,
        standings.period as period,
        standings.last_order_date as last_order_date,
        standings.frequency as frequency,
        months.last_day - standings.last_order_date as recency_days,
        {{ to_cents('standings.net_spend') }} as monetary
    from standings
    inner join months on standings.period = months.month
),

sorted as (
    select
        period,
        arraySort(groupArray(recency_days)) as recencies,
        arraySort(groupArray(frequency)) as frequencies,
        arraySort(groupArray(monetary)) as spends
    from measured
    group by period
),

edges as (
    select
        period,
        {{ quantile_edges('recencies', var('rfm_bins')) }} as recency_edges,
        {{ quantile_edges('frequencies', var('rfm_bins')) }} as frequency_edges,
        {{ quantile_edges('spends', var('rfm_bins')) }} as monetary_edges
    from sorted
),

scored as (
    select
        measured.*,
        {{ var('rfm_bins') }} - arrayCount(edge -> edge < measured.recency_days, edges.recency_edges) as recency_score,
        1 + arrayCount(edge -> edge < measured.frequency, edges.frequency_edges) as frequency_score,
        1 + arrayCount(edge -> edge < measured.monetary, edges.monetary_edges) as monetary_score
    from measured
    inner join edges on measured.period = edges.period
),

segments as (
    select * from {{ ref('rfm_segments') }}
)

select
    -- ids
    scored.customer_id as customer_id,
    -- strings
    segments.segment as segment,
    -- numbers
    scored.recency_days as recency_days,
    scored.frequency as frequency,
    scored.monetary as monetary,
    scored.recency_score as recency_score,
    scored.frequency_score as frequency_score,
    scored.monetary_score as monetary_score,
    -- dates
    scored.period as month,
    assumeNotNull(scored.last_order_date) as last_order_date
from scored
left join segments
    on scored.recency_score = segments.recency_score and scored.frequency_score = segments.frequency_score
