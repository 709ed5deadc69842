{{ config(order_by='(period_type, period_start, dimension, dimension_value, comparison, measure)') }}

with
windows as (
    select
        *,
        from_day + arrayJoin(range(toUInt32(until_day - from_day + 1))) as day
    from {{ ref('kpi_windows') }}
)

select
    -- strings
    windows.period_type as period_type,
    windows.dimension as dimension,
    windows.dimension_value as dimension_value,
    windows.comparison as comparison,
    people.measure as measure,
    -- numbers
    sum(people.tails[windows.until_day - windows.day + 1]) as people,
    -- dates
    windows.period_start as period_start
from windows
inner join {{ ref('people_tails') }} as people
    on
        windows.cell_dimension = people.dimension
        and windows.cell_value = people.dimension_value
        and windows.day = people.day
group by period_type, period_start, dimension, dimension_value, comparison, measure
