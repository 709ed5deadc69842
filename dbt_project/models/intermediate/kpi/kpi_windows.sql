{{ config(order_by='(period_type, period_start, dimension, dimension_value, comparison)') }}

{#- Which days of which cells make a figure and each of its references. The deadline's reference of the company is
    the sum over countries, each in its own days; a country without a deadline takes part with the same days a year
    before. -#}
with
cells as (
    select distinct
        dimension,
        dimension_value
    from {{ ref('kpi_cells_daily') }}
),

calendar_windows as (
    select
        periods.*,
        arrayJoin(
            [
                ('current', period_start, to_day),
                ('previous', previous_from, previous_to),
                ('year_before', year_before_from, year_before_to)
            ]
        ) as stretch
    from {{ ref('kpi_periods') }} as periods
),

windows as (
    select
        calendar_windows.period_type as period_type,
        calendar_windows.period_start as period_start,
        cells.dimension as dimension,
        cells.dimension_value as dimension_value,
        calendar_windows.stretch.1 as comparison,
        cells.dimension as cell_dimension,
        cells.dimension_value as cell_value,
        true as is_aligned,
        calendar_windows.stretch.2 as from_day,
        calendar_windows.stretch.3 as until_day
    from calendar_windows
    cross join cells
    where cells.dimension = 'all' or calendar_windows.period_type != 'day'
    union all
    select
        period_type,
        period_start,
        arrayJoin(if(has_deadline and period_type != 'day', ['all', 'country'], ['all'])) as dimension,
        if(dimension = 'all', '', country) as dimension_value,
        'deadline' as comparison,
        'country' as cell_dimension,
        country as cell_value,
        has_deadline as is_aligned,
        from_day,
        to_day as until_day
    from {{ ref('kpi_deadline_windows') }}
)

select
    -- strings
    windows.period_type as period_type,
    windows.dimension as dimension,
    windows.dimension_value as dimension_value,
    windows.comparison as comparison,
    windows.cell_dimension as cell_dimension,
    windows.cell_value as cell_value,
    -- booleans
    windows.is_aligned as is_aligned,
    windows.from_day >= periods.first_date
    and windows.until_day <= periods.last_finished_date
    and periods.has_finished_day
    and not periods.begins_before_data as is_inside,
    -- dates
    windows.period_start as period_start,
    windows.from_day as from_day,
    windows.until_day as until_day
from windows
inner join {{ ref('kpi_periods') }} as periods
    on windows.period_type = periods.period_type and windows.period_start = periods.period_start
