{{ config(order_by='(dimension, week, dimension_value)') }}

with
weeks as (
    select
        dimension,
        dimension_value,
        period_start,
        coalesce(value, 0) as net_revenue_value,
        year_before_value,
        is_complete
    from {{ ref('kpi_summary') }}
    where kpi = 'net_revenue' and period_type = 'week' and dimension in ('country', 'plan')
),

-- Of a country, and in rows by plan those of all countries. A country that is unknown has none.
due_dates as (
    select
        due_date,
        arrayJoin([('country', country), ('plan', '')]) as place
    from {{ ref('deadlines') }}
    where is_main
),

due as (
    select
        place.1 as due_dimension,
        place.2 as due_country,
        toMonday(due_date) as due_week,
        count() as due_forms
    from due_dates
    group by due_dimension, due_country, due_week
)

select
    -- strings
    cast(weeks.dimension as String) as dimension,
    cast(weeks.dimension_value as String) as dimension_value,
    {# kpi_summary holds figures of all units as numbers; these are cents, so that the way back to money is exact. #}
    -- money in the reporting currency
    {{ to_cents('toDecimal128(weeks.net_revenue_value, 4)') }} as net_revenue,
    cast(round(toDecimal128(weeks.year_before_value, 4), 2) as Nullable(Decimal(18, 2))) as year_before_net_revenue,
    -- numbers
    cast(coalesce(due.due_forms, 0) as UInt64) as deadlines,
    -- booleans
    cast(weeks.is_complete as Bool) as is_complete,
    -- dates
    cast(weeks.period_start as Date) as week
from weeks
left join due
    on
        weeks.period_start = due.due_week
        and weeks.dimension = due.due_dimension
        and if(weeks.dimension = 'country', weeks.dimension_value, '') = due.due_country
