-- Both bookings tell the same balances; they differ in what they call the way from one to the next.
select
    currency,
    month
from {{ ref('mrr_figures') }}
group by currency, month
having
    count() != 2
    or uniqExact((mrr_start, mrr_end, exchange_effect, customers_start, customers_end, churned_customers)) != 1
