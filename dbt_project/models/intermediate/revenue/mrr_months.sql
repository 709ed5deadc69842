{{ config(order_by='(month, currency)') }}

{# Every month of the data for every currency that ever had MRR, with the rate in force on the month's last day, or on
   the as-of date where that comes first. #}
with
currencies as (
    select distinct toString(currency) as currency from {{ ref('subscriber_months') }}
),

period as (
    select
        as_of_date,
        complete_until,
        addMonths(
            toStartOfMonth(first_date),
            arrayJoin(range(toUInt32(greatest(dateDiff('month', first_date, as_of_date) + 1, 0))))
        ) as month
    from {{ ref('reporting_period') }}
),

months as (
    select
        currencies.currency as currency,
        period.month as month,
        least(toLastDayOfMonth(period.month), period.as_of_date) as rate_date,
        toLastDayOfMonth(period.month) > period.as_of_date
        or {{ start_of_reporting_date('addMonths(period.month, 1)') }} > period.complete_until as is_partial
    from period
    cross join currencies
),

rates as (
    {{ rates_into_reporting_currency() }}
),

rated as (
    select
        months.currency as currency,
        months.month as month,
        months.is_partial as is_partial,
        {{ rate_of('months.currency', 'rates.rate') }} as exchange_rate
    from months
    asof left join rates on months.currency = rates.currency and months.rate_date >= rates.valid_from
)

select
    -- strings
    currency,
    -- numbers
    exchange_rate,
    lag(exchange_rate, 1, exchange_rate) over (partition by currency order by month asc) as opening_exchange_rate,
    -- booleans
    is_partial,
    -- dates
    month
from rated
