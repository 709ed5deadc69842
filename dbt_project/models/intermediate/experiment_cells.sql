{{ config(order_by='(experiment_id, metric, horizon, arm, country, device_type)') }}

{#- Sums over people are taken once, in the finest cells that a breakdown needs; marts only add cells up. -#}
with
complete as (
    select least({{ start_of_reporting_date('as_of_date + 1') }}, complete_until) as observed_until
    from {{ ref('reporting_period') }}
),

metrics as (
    select
        metric,
        kind,
        {{ experiment_measure_position('numerator') }} as numerator_position,
        {{ experiment_measure_position("coalesce(denominator, '')") }} as denominator_position
    from {{ ref('experiment_metric_catalogue') }}
),

people as (
    select
        experiment_id,
        arm,
        country,
        device_type,
        outcomes.window_ends_at <= complete.observed_until as is_mature,
        {{ experiment_values('pre') }} as pre_values,
        arrayJoin(
            [
                ('window', is_mature, {{ experiment_values('window') }}),
                ('to_date', true, {{ experiment_values('to_date') }})
            ]
        ) as observed
    from {{ ref('experiment_outcomes') }} as outcomes
    cross join complete
),

valued as (
    select
        people.experiment_id as experiment_id,
        people.arm as arm,
        metrics.metric as metric,
        people.country as country,
        people.device_type as device_type,
        people.observed.1 as horizon,
        people.observed.2 as is_counted,
        people.observed.3[metrics.numerator_position] as counted_outcome,
        people.pre_values[metrics.numerator_position] as counted_pre,
        if(metrics.kind = 'proportion', least(counted_outcome, 1), counted_outcome) as outcome,
        if(metrics.kind = 'proportion', least(counted_pre, 1), counted_pre) as pre,
        people.observed.3[metrics.denominator_position] as denominator
    from people
    cross join metrics
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
    countIf(is_counted) as people,
    countIf(not is_counted) as immature_people,
    sumIf(outcome, is_counted) as outcome_sum,
    sumIf(outcome * outcome, is_counted) as outcome_square_sum,
    sumIf(pre, is_counted) as pre_sum,
    sumIf(pre * pre, is_counted) as pre_square_sum,
    sumIf(pre * outcome, is_counted) as pre_outcome_sum,
    sumIf(denominator, is_counted) as denominator_sum,
    sumIf(denominator * denominator, is_counted) as denominator_square_sum,
    sumIf(outcome * denominator, is_counted) as outcome_denominator_sum
from valued
group by experiment_id, arm, metric, country, device_type, horizon
