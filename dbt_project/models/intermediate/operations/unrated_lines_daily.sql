{{ config(order_by='day') }}

{#- From staging, not from revenue_lines: a missing rate stops what is made of those, and this must still report it. -#}
with
rates as (
    {{ first_rated_dates() }}
)

select
    -- numbers
    count() as lines,
    countIf(
        lines.currency != '{{ dataset_setting("reporting_currency") }}'
        and (lines.amount != 0 or lines.tax_amount != 0)
        and coalesce(lines.event_date < rates.first_rated_date, true)
    ) as unrated_lines,
    -- dates
    lines.event_date as day
from {{ ref('stg_revenue_events') }} as lines
left join rates on lines.currency = rates.currency
where lines.event_type in ('charge', 'refund', 'adjustment') and {{ until_as_of_date('lines.event_date') }}
group by day
