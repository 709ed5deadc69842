{{ config(order_by='(experiment_id, metric, horizon, arm, country, device_type)') }}

{#- Sums over people are taken once, in the finest cells that a breakdown needs; marts only add cells up. Every measure
    is summed, as whole numbers and money in cents, and metrics pick theirs when there are few rows left. Arrays hold the
    measures as they are, then who converted at all, which is what proportions are made of. Products of two different
    measures are for ratios, which have a measure above and one below. -#}
{%- set horizons = ['window', 'to_date'] -%}
{%- set sums = experiment_cell_sums() -%}

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
        {{ experiment_product_position('numerator_position', 'denominator_position') }} as above_below,
        {{ experiment_product_position('denominator_position', 'numerator_position') }} as below_above,
        {{ experiment_product_position('denominator_position', 'denominator_position') }} as below_below,
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
        {{ experiment_products('pre', 'pre') }} as pre_products,
        arrayJoin(
            [
                {%- for horizon in horizons %}
                (
                    '{{ horizon }}',
                    {{ experiment_sums(horizon) }},
                    {{ experiment_sums(horizon, horizon) }},
                    {{ experiment_sums('pre', horizon) }},
                    {{ experiment_products(horizon, horizon) }},
                    {{ experiment_products('pre', horizon) }}
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
        not summed.is_mature as is_immature,
        summed.is_mature or horizon = 'to_date' as is_counted,
        {%- for name, (place, _) in sums.items() %}
        summed.{{ place }} as {{ name }},
        {%- endfor %}
        metrics.outcome_scale as outcome_scale,
        metrics.denominator_scale as denominator_scale
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
        {%- for name in sums %}
        sumIf(picked.{{ name }}, is_counted) as {{ name }},
        {%- endfor %}
        any(picked.outcome_scale) as outcome_scale,
        any(picked.denominator_scale) as denominator_scale,
        sumIf(people_of_cell, is_counted) as people,
        sumIf(people_of_cell, is_immature) as immature_people
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
    {%- for name, (_, factors) in sums.items() %}
    toDecimal128(added.{{ name }}, {{ 2 * (factors | length) }})
    / ({{ factors | join('_scale * ') }}_scale) as {{ name }},
    {%- endfor %}
    people,
    immature_people
from added
