-- The newest month of user_segments is rfm as of the same day, customer by customer and column by column.
with
newest as (
    select * from {{ ref('user_segments') }}
    where period = (select max(months.month) from {{ ref('reporting_months') }} as months) and frequency is not null
)

select
    newest.person_id as person_id,
    rfm.customer_id as customer_id
from newest
full outer join {{ ref('rfm') }} as rfm on newest.person_id = rfm.customer_id
where not coalesce(
    newest.last_day = rfm.as_of_date
    and newest.rfm_segment = rfm.segment
    and newest.recency_days = rfm.recency_days
    and newest.frequency = rfm.frequency
    and newest.monetary = rfm.monetary
    and newest.recency_score = rfm.recency_score
    and newest.frequency_score = rfm.frequency_score
    and newest.monetary_score = rfm.monetary_score,
    false
)
