{{ config(order_by='(experiment_id, metric, horizon, breakdown, breakdown_value, arm)') }}

with
broken_down as (
    select
        cells.*,
        arrayJoin([('all', 'all'), ('country', country), ('device_type', device_type)]) as part
    from {{ ref('experiment_cells') }} as cells
),

added as (
    select
        experiment_id,
        arm,
        metric,
        horizon,
        part.1 as breakdown,
        part.2 as breakdown_value,
        sum(broken_down.people) as people,
        sum(broken_down.immature_people) as immature_people,
        sum(broken_down.outcome_sum) as outcome_sum,
        sum(broken_down.outcome_square_sum) as outcome_square_sum,
        sum(broken_down.pre_sum) as pre_sum,
        sum(broken_down.pre_square_sum) as pre_square_sum,
        sum(broken_down.pre_outcome_sum) as pre_outcome_sum,
        sum(broken_down.denominator_sum) as denominator_sum,
        sum(broken_down.denominator_square_sum) as denominator_square_sum,
        sum(broken_down.outcome_denominator_sum) as outcome_denominator_sum
    from broken_down
    group by experiment_id, arm, metric, horizon, breakdown, breakdown_value
),

defined as (
    select
        added.*,
        metrics.kind as kind,
        added.experiment_id in (
            select plans.experiment_id from {{ ref('experiment_settings') }} as plans
            where plans.may_grow
        ) as may_grow,
        metrics.kind = 'ratio' as is_ratio
    from added
    inner join {{ ref('experiment_metric_catalogue') }} as metrics on added.metric = metrics.metric
)

select
    -- ids
    cast(experiment_id as String) as experiment_id,
    -- strings
    cast(arm as String) as arm,
    cast(metric as String) as metric,
    cast(kind as String) as kind,
    cast(horizon as String) as horizon,
    cast(breakdown as String) as breakdown,
    cast(breakdown_value as String) as breakdown_value,
    -- exact sums
    cast(people as UInt64) as people,
    cast(immature_people as UInt64) as immature_people,
    cast(outcome_sum as Decimal(38, 2)) as outcome_sum,
    cast(outcome_square_sum as Decimal(38, 4)) as outcome_square_sum,
    cast(pre_sum as Decimal(38, 2)) as pre_sum,
    cast(pre_square_sum as Decimal(38, 4)) as pre_square_sum,
    cast(pre_outcome_sum as Decimal(38, 4)) as pre_outcome_sum,
    cast(if(is_ratio, denominator_sum, null) as Nullable(Decimal(38, 2))) as denominator_sum,
    cast(if(is_ratio, denominator_square_sum, null) as Nullable(Decimal(38, 4))) as denominator_square_sum,
    cast(if(is_ratio, outcome_denominator_sum, null) as Nullable(Decimal(38, 4))) as outcome_denominator_sum,
    -- what tests start from
    cast(toFloat64(outcome_sum) / nullIf(people, 0) as Nullable(Float64)) as outcome_mean,
    cast(toFloat64(pre_sum) / nullIf(people, 0) as Nullable(Float64)) as pre_mean,
    cast(if(is_ratio, toFloat64(denominator_sum) / nullIf(people, 0), null) as Nullable(Float64)) as denominator_mean,
    cast({{ centred_product('people', 'outcome_square_sum', 'outcome_sum', 'outcome_sum') }} as Nullable(Float64))
        as outcome_centred_squares,
    cast({{ centred_product('people', 'pre_square_sum', 'pre_sum', 'pre_sum') }} as Nullable(Float64))
        as pre_centred_squares,
    cast({{ centred_product('people', 'pre_outcome_sum', 'pre_sum', 'outcome_sum') }} as Nullable(Float64))
        as pre_outcome_centred_products,
    cast(
        if(
            is_ratio,
            {{ centred_product('people', 'denominator_square_sum', 'denominator_sum', 'denominator_sum') }},
            null
        ) as Nullable(Float64)
    ) as denominator_centred_squares,
    cast(
        if(
            is_ratio,
            {{ centred_product('people', 'outcome_denominator_sum', 'outcome_sum', 'denominator_sum') }},
            null
        ) as Nullable(Float64)
    ) as outcome_denominator_centred_products,
    -- booleans
    cast(immature_people = 0 and horizon = 'window' and not may_grow as Bool) as is_complete
from defined
