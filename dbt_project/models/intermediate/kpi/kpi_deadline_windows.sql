{{ config(order_by='(period_type, period_start, country)') }}

{#- A period is measured by its first day: so many days before the next main deadline of the country, or on it. Its
    counterpart begins as many days before the deadline of the same form one tax year earlier, moved or not. Where another
    deadline lies in between, those days were nearer to that one: after a deadline that came late there is no counterpart. -#}
with
countries as (
    select distinct dimension_value as country
    from {{ ref('kpi_cells_daily') }}
    where dimension = 'country'
),

calendars as (
    select
        country,
        arraySort(groupArray((due_date, form, tax_year))) as deadlines
    from {{ ref('deadlines') }}
    where is_main
    group by country
),

matched as (
    select
        periods.period_type as period_type,
        periods.period_start as period_start,
        periods.to_day as to_day,
        periods.year_before_from as year_before_from,
        periods.year_before_to as year_before_to,
        countries.country as country,
        calendars.deadlines as deadlines,
        arrayFirst(deadline -> deadline.1 >= period_start, deadlines) as next_deadline,
        arrayFirst(
            deadline -> deadline.2 = next_deadline.2 and deadline.3 + 1 = next_deadline.3, deadlines
        ) as earlier_deadline,
        next_deadline.1 - earlier_deadline.1 as days_between,
        arrayFirst(deadline -> deadline.1 >= period_start - days_between, deadlines) as deadline_after,
        earlier_deadline.3 > 0 and deadline_after.1 = earlier_deadline.1 as has_deadline
    from {{ ref('kpi_periods') }} as periods
    cross join countries
    left join calendars on countries.country = calendars.country
)

select
    -- strings
    period_type,
    country,
    -- numbers
    if(has_deadline, next_deadline.1 - period_start, null) as days_to_deadline,
    -- booleans
    has_deadline,
    -- dates
    period_start,
    if(has_deadline, period_start - days_between, year_before_from) as from_day,
    if(has_deadline, to_day - days_between, year_before_to) as to_day
from matched
