{{ config(order_by='(experiment_id, arm)') }}

with
planned as (
    select
        terms.experiment_id as experiment_id,
        weights.arm as arm,
        toFloat64(weights.weight) as planned_weight,
        weights.is_control as is_planned_control,
        true as is_planned,
        0 as people,
        0 as immature_people,
        0 as crossovers
    from {{ ref('experiment_settings') }} as terms
    inner join {{ ref('experiment_arm_weights') }} as weights on terms.experiment_id = weights.experiment_id
),

seen as (
    select
        experiment_id,
        arm,
        toFloat64(0) as planned_weight,
        false as is_planned_control,
        false as is_planned,
        countIf(not is_crossover) as people,
        countIf(not is_crossover and not is_mature) as immature_people,
        countIf(is_crossover) as crossovers
    from {{ ref('experiment_exposures') }}
    group by experiment_id, arm
),

planned_and_seen as (
    select * from planned
    union all
    select * from seen
),

arms as (
    select
        experiment_id,
        arm,
        max(planned_weight) as planned_weight,
        max(is_planned_control) as is_planned_control,
        sum(people) as people,
        sum(immature_people) as immature_people,
        sum(crossovers) as crossovers,
        max(max(is_planned)) over experiment as has_plan,
        max(arm = 'control') over experiment as has_control,
        min(arm) over experiment as first_arm
    from planned_and_seen
    group by experiment_id, arm
    window experiment as (partition by experiment_id)
),

weighed as (
    select
        *,
        if(has_plan, planned_weight, 1) as weight,
        sum(weight) over experiment as total_weight,
        sumIf(people, weight > 0) over experiment as split_people,
        split_people * weight / nullIf(total_weight, 0) as expected_people
    from arms
    window experiment as (partition by experiment_id)
)

select
    -- ids
    cast(experiment_id as String) as experiment_id,
    -- strings
    cast(arm as String) as arm,
    -- numbers
    cast(weight as Float64) as weight,
    cast(people as UInt64) as people,
    cast(immature_people as UInt64) as immature_people,
    cast(crossovers as UInt64) as crossovers,
    cast(expected_people as Nullable(Float64)) as expected_people,
    cast(if(weight > 0, pow(people - expected_people, 2) / nullIf(expected_people, 0), null) as Nullable(Float64))
        as chi_square_term,
    -- booleans
    cast(if(has_plan, is_planned_control, arm = if(has_control, 'control', first_arm)) as Bool) as is_control,
    cast(has_plan as Bool) as has_planned_weights
from weighed
