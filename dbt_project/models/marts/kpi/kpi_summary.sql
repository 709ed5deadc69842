{{ config(order_by='(dimension, period_type, kpi, period_start, dimension_value)') }}

with
compared as (
    select
        kpi,
        period_type,
        period_start,
        dimension,
        dimension_value,
        anyIf(value, comparison = 'current') as figure,
        anyIf(counted, comparison = 'current') as figure_counted,
        anyIf(is_enough, comparison = 'current') as figure_is_enough,
        {%- for reference in ['previous', 'year_before', 'deadline'] %}
        coalesce(anyIf(is_known, comparison = '{{ reference }}'), false) and figure_is_mature
            as is_{{ reference }}_known,
        if(is_{{ reference }}_known, anyIf(value, comparison = '{{ reference }}'), null) as {{ reference }}_figure,
        is_{{ reference }}_known and figure_is_enough and anyIf(is_enough, comparison = '{{ reference }}')
            as may_compare_{{ reference }},
        {%- endfor %}
        anyIf(is_mature, comparison = 'current') as figure_is_mature,
        anyIf(has_look_back, comparison = 'current') as figure_has_look_back
    from {{ ref('kpi_window_values') }}
    group by kpi, period_type, period_start, dimension, dimension_value
),

placed as (
    select
        compared.kpi as kpi,
        compared.period_type as period_type,
        compared.period_start as period_start,
        compared.dimension as dimension,
        compared.dimension_value as dimension_value,
        compared.figure as figure,
        compared.figure_counted as figure_counted,
        compared.figure_is_enough as is_enough,
        {%- for reference in ['previous', 'year_before', 'deadline'] %}
        compared.{{ reference }}_figure as {{ reference }}_figure,
        compared.is_{{ reference }}_known as is_{{ reference }}_known,
        compared.may_compare_{{ reference }} as may_compare_{{ reference }},
        {%- endfor %}
        periods.period_end as period_end,
        periods.to_day as to_day,
        periods.is_unfinished or periods.begins_before_data as is_partial_period,
        not is_partial_period and compared.figure_is_mature and compared.figure_has_look_back as is_whole,
        max(if(is_whole, toNullable(compared.period_start), null)) over (
            partition by compared.kpi, compared.period_type
        ) as newest_whole
    from compared
    inner join {{ ref('kpi_periods') }} as periods
        on compared.period_type = periods.period_type and compared.period_start = periods.period_start
)

select
    -- strings
    cast(placed.kpi as String) as kpi,
    cast(rules.label as String) as label,
    cast(rules.unit as String) as unit,
    cast(rules.good_direction as String) as good_direction,
    cast(placed.period_type as String) as period_type,
    cast(placed.dimension as String) as dimension,
    cast(placed.dimension_value as String) as dimension_value,
    -- numbers
    cast(placed.figure as Nullable(Float64)) as value,
    cast(placed.figure_counted as UInt64) as counted,
    {%- for reference in ['previous', 'year_before', 'deadline'] %}
    cast(placed.{{ reference }}_figure as Nullable(Float64)) as {{ reference }}_value,
    cast(
        if(
            placed.may_compare_{{ reference }},
            if(
                rules.unit = 'reporting_currency',
                round(placed.figure - placed.{{ reference }}_figure, 2),
                placed.figure - placed.{{ reference }}_figure
            ),
            null
        ) as Nullable(Float64)
    ) as {{ reference }}_change,
    cast({{ reference }}_change / nullIf(abs(placed.{{ reference }}_figure), 0) as Nullable(Float64))
        as {{ reference }}_relative_change,
    {%- endfor %}
    -- booleans
    {%- for reference in ['previous', 'year_before', 'deadline'] %}
    cast(placed.is_{{ reference }}_known as Bool) as is_{{ reference }}_comparable,
    {%- endfor %}
    cast(placed.is_partial_period as Bool) as is_partial,
    cast(placed.is_whole as Bool) as is_complete,
    cast(not placed.is_enough as Bool) as is_noise,
    cast(coalesce(placed.period_start = placed.newest_whole, false) as Bool) as is_headline,
    -- dates
    cast(placed.period_start as Date) as period_start,
    cast(placed.period_end as Date) as period_end,
    cast(placed.to_day as Date) as counted_until
from placed
inner join {{ ref('kpi_catalogue') }} as rules on placed.kpi = rules.kpi
