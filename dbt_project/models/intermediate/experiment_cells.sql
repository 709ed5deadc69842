{{ config(order_by='(experiment_id, metric, horizon, arm, country, device_type)') }}

{#- Sums over people are taken once, in the finest cells that a breakdown needs; marts only add cells up. Every measure
    is summed, as whole numbers and money in cents, and metrics pick theirs when there are few rows left. Arrays hold the
    measures as they are, then who converted at all, which is what proportions are made of. -#}
{%- set count = experiment_measures() | length -%}
{%- set horizons = ['window', 'to_date'] -%}

with
complete as (
    select least({{ start_of_reporting_date('as_of_date + 1') }}, complete_until) as observed_until
    from {{ ref('reporting_period') }}
),

metrics as (
    select
        metric,
        {{ experiment_measure_position('numerator') }} as numerator_position,
        {{ experiment_measure_position("coalesce(denominator, '')") }} as denominator_position,
        {{ experiment_conversion_position('numerator') }} as conversion_position,
        if(kind = 'proportion', conversion_position, numerator_position) as outcome_position,
        if(
            denominator_position = 0, 0, (numerator_position - 1) * {{ count }} + denominator_position
        ) as product_position,
        if(numerator = 'net_revenue', 100, 1) as outcome_scale,
        if(denominator = 'net_revenue', 100, 1) as denominator_scale
    from {{ ref('experiment_metric_catalogue') }}
),

people as (
    select
        experiment_id,
        arm,
        country,
        device_type,
        {%- for horizon in ['pre'] + horizons %}
        {%- for value in experiment_values(horizon) %}
        {{ value }} as {{ horizon }}_{{ loop.index }},
        {%- endfor %}
        {%- endfor %}
        outcomes.window_ends_at <= complete.observed_until as is_mature
    from {{ ref('experiment_outcomes') }} as outcomes
    cross join complete
),

summed as (
    select
        experiment_id,
        arm,
        country,
        device_type,
        is_mature,
        count() as people,
        {{ experiment_sums('pre', 'pre') }} as pre_squares,
        {{ experiment_sums('pre') }} as pre_sums,
        arrayJoin(
            [
                {%- for horizon in horizons %}
                (
                    '{{ horizon }}',
                    {{ experiment_sums(horizon) }},
                    {{ experiment_sums(horizon, horizon) }},
                    {{ experiment_sums('pre', horizon) }},
                    {{ experiment_products(horizon) }}
                ){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as observed
    from people
    group by experiment_id, arm, country, device_type, is_mature
),

picked as (
    select
        summed.experiment_id as experiment_id,
        summed.arm as arm,
        metrics.metric as metric,
        summed.country as country,
        summed.device_type as device_type,
        summed.observed.1 as horizon,
        summed.people as people_of_cell,
        summed.is_mature or horizon = 'to_date' as is_counted,
        metrics.outcome_scale as scale,
        metrics.denominator_scale as denominator_scale,
        summed.observed.2[metrics.outcome_position] as outcomes,
        summed.observed.3[metrics.outcome_position] as outcome_squares,
        summed.pre_sums[metrics.outcome_position] as pres,
        summed.pre_squares[metrics.outcome_position] as pre_squares,
        summed.observed.4[metrics.outcome_position] as pre_outcomes,
        summed.observed.2[metrics.denominator_position] as denominators,
        summed.observed.3[metrics.denominator_position] as denominator_squares,
        summed.observed.5[metrics.product_position] as outcome_denominators
    from summed
    cross join metrics
),

added as (
    select
        experiment_id,
        arm,
        metric,
        country,
        device_type,
        horizon,
        any(scale) as outcome_scale,
        any(denominator_scale) as denominator_scale,
        sumIf(people_of_cell, is_counted) as people,
        sumIf(people_of_cell, not is_counted) as immature_people,
        sumIf(outcomes, is_counted) as outcomes,
        sumIf(outcome_squares, is_counted) as outcome_squares,
        sumIf(pres, is_counted) as pres,
        sumIf(pre_squares, is_counted) as pre_squares,
        sumIf(pre_outcomes, is_counted) as pre_outcomes,
        sumIf(denominators, is_counted) as denominators,
        sumIf(denominator_squares, is_counted) as denominator_squares,
        sumIf(outcome_denominators, is_counted) as outcome_denominators
    from picked
    group by experiment_id, arm, metric, country, device_type, horizon
)

select
    -- ids
    experiment_id,
    -- strings
    arm,
    metric,
    country,
    device_type,
    horizon,
    -- numbers
    people,
    immature_people,
    toDecimal128(outcomes, 2) / outcome_scale as outcome_sum,
    toDecimal128(outcome_squares, 4) / (outcome_scale * outcome_scale) as outcome_square_sum,
    toDecimal128(pres, 2) / outcome_scale as pre_sum,
    toDecimal128(pre_squares, 4) / (outcome_scale * outcome_scale) as pre_square_sum,
    toDecimal128(pre_outcomes, 4) / (outcome_scale * outcome_scale) as pre_outcome_sum,
    toDecimal128(denominators, 2) / denominator_scale as denominator_sum,
    toDecimal128(denominator_squares, 4) / (denominator_scale * denominator_scale) as denominator_square_sum,
    toDecimal128(outcome_denominators, 4) / (outcome_scale * denominator_scale) as outcome_denominator_sum
from added
