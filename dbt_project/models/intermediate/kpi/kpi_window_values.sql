{{ config(order_by='(kpi, period_type, period_start, dimension, dimension_value, comparison)') }}

{#- The value of a figure in a window, and whether the data knows it: the days lie inside, open windows have closed,
    and what looks back finds data as old as it needs. -#}
with
maturity as (
    select
        maxIf(day, is_activation_mature) as activation_until,
        maxIf(day, is_trial_mature) as trial_until
    from {{ ref('kpi_days') }}
),

judged as (
    select
        figures.kpi as kpi,
        figures.period_type as period_type,
        figures.dimension as dimension,
        figures.dimension_value as dimension_value,
        figures.comparison as comparison,
        figures.above as above,
        figures.below as below,
        figures.counted as counted,
        figures.quantile as quantile,
        figures.is_inside as is_inside,
        figures.period_start as period_start,
        figures.from_day as from_day,
        figures.until_day as until_day,
        rules.unit as unit,
        rules.over_period as over_period,
        rules.below as below_name,
        rules.is_money as is_money,
        figures.counted >= rules.minimum_count as is_enough,
        multiIf(
            rules.open_window = 'activation_days', figures.until_day <= maturity.activation_until,
            rules.open_window = 'trial_days', figures.until_day <= maturity.trial_until,
            true
        ) as is_mature,
        if(rules.over_period = 'ratio_of_days', figures.from_day, figures.first_until_day) - rules.look_back_days + 1
        >= period.first_date
        or rules.look_back_days = 0 as has_look_back
    from {{ ref('kpi_window_figures') }} as figures
    inner join {{ ref('kpi_catalogue') }} as rules on figures.kpi = rules.kpi
    cross join maturity
    cross join {{ ref('reporting_period') }} as period
)

select
    -- strings
    kpi,
    period_type,
    dimension,
    dimension_value,
    comparison,
    -- numbers
    multiIf(
        not is_mature, null,
        over_period = 'quantile', toFloat64(quantile),
        below_name = '', toFloat64(if(is_money, round(above, 2), above)),
        below = 0, null,
        is_money and unit = 'ratio', {{ money_ratio('above', 'below') }},
        is_money, toFloat64({{ cents_per('above', 'toInt64(below)') }}),
        toFloat64(toInt64(above)) / toFloat64(toInt64(below))
    ) as value,
    counted,
    -- booleans
    is_enough,
    is_mature,
    has_look_back,
    is_inside and is_mature and has_look_back as is_known,
    -- dates
    period_start,
    from_day,
    until_day
from judged
