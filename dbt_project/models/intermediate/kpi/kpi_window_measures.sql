{{ config(order_by='(period_type, period_start, dimension, dimension_value, comparison, measure)') }}

{#- Sums are differences of running totals, so a window costs two rows a measure, however long it is. -#}
with
ends as (
    select
        *,
        arrayJoin([(until_day, 1), (from_day - 1, -1)]) as boundary,
        boundary.1 as day,
        boundary.2 as sign
    from {{ ref('kpi_windows') }}
),

sums as (
    select
        ends.period_type as period_type,
        ends.period_start as period_start,
        ends.dimension as dimension,
        ends.dimension_value as dimension_value,
        ends.comparison as comparison,
        cells.measure as measure,
        sum(cells.running_total * ends.sign) as total,
        coalesce(sumIf(cells.amount, ends.sign = 1), 0) as closing
    from ends
    inner join {{ ref('kpi_cells_daily') }} as cells
        on
            ends.cell_dimension = cells.dimension
            and ends.cell_value = cells.dimension_value
            and ends.day = cells.day
    group by period_type, period_start, dimension, dimension_value, comparison, measure
)

select
    -- strings
    sums.period_type as period_type,
    sums.dimension as dimension,
    sums.dimension_value as dimension_value,
    sums.comparison as comparison,
    sums.measure as measure,
    -- numbers
    sums.total as total,
    sums.closing as closing,
    coalesce(people.people, 0) as people,
    -- dates
    sums.period_start as period_start
from sums
left join {{ ref('kpi_window_people') }} as people
    on
        sums.period_type = people.period_type
        and sums.period_start = people.period_start
        and sums.dimension = people.dimension
        and sums.dimension_value = people.dimension_value
        and sums.comparison = people.comparison
        and sums.measure = people.measure
