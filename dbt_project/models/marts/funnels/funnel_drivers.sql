{{ config(order_by='(funnel, step, property, value)') }}

{#- What people who went on from a step have in common, against those who stayed behind: breakdowns of the funnel, and
    the first session of the person. Where a breakdown is taken at a later step, having a value means having come there: it
    says something about the steps after that one only. -#}
with
chains as (
    select
        counted_chains.funnel as funnel,
        counted_chains.furthest_step as furthest_step,
        arrayConcat(
            arrayZip(mapKeys(counted_chains.breakdown_values), mapValues(counted_chains.breakdown_values)),
            [
                ('person.first_channel', coalesce(toString(people.first_channel), '')),
                ('person.first_country', coalesce(toString(people.first_country), '')),
                ('person.first_device_type', coalesce(toString(people.first_device_type), ''))
            ]
        ) as properties
    from {{ ref('funnel_counted_chains') }} as counted_chains
    left join {{ ref('people') }} as people on counted_chains.person_id = people.person_id
    where counted_chains.is_complete and not counted_chains.is_excluded
),

everybody as (
    select
        funnel,
        sumMap([furthest_step], [toUInt64(1)]) as people_by_furthest_step
    from chains
    group by funnel
),

with_property as (
    select
        funnel,
        arrayJoin(properties) as pair,
        furthest_step
    from chains
),

by_value as (
    select
        funnel,
        pair,
        sumMap([furthest_step], [toUInt64(1)]) as people_by_furthest_step
    from with_property
    where pair.2 != ''
    group by funnel, pair
),

counted as (
    select
        steps.funnel as funnel,
        steps.step as step,
        steps.step_name as step_name,
        steps.step_title as step_title,
        by_value.pair as pair,
        {{ funnel_users_from('by_value.people_by_furthest_step', 'steps.step') }} as successes,
        {{ funnel_users_from('by_value.people_by_furthest_step', 'steps.step - 1') }} - successes as failures,
        {{ funnel_users_from('everybody.people_by_furthest_step', 'steps.step') }} as all_successes,
        {{ funnel_users_from('everybody.people_by_furthest_step', 'steps.step - 1') }} - all_successes as all_failures
    from {{ ref('declared_funnels') }} as steps
    inner join by_value on steps.funnel = by_value.funnel
    inner join everybody on steps.funnel = everybody.funnel
    where steps.step > 1 and not has(steps.late_breakdowns, by_value.pair.1)
),

rated as (
    select
        *,
        ((successes + 1) * (all_failures - failures + 1)) / ((failures + 1) * (all_successes - successes + 1))
            as odds_ratio
    from counted
    where
        successes + failures >= {{ var('funnel_driver_min_users') }}
        and (successes + failures) * 100 >= {{ var('funnel_driver_min_percent') }} * (all_successes + all_failures)
)

select
    -- strings
    cast(funnel as String) as funnel,
    cast(step_name as String) as step_name,
    cast(step_title as String) as step_title,
    cast(pair.1 as String) as property,
    cast(pair.2 as String) as value,
    {# Where nobody stayed behind, or nobody went on, the ratio is made by the prior alone. #}
    cast(
        multiIf(
            all_failures = 0 or all_successes = 0, 'neither',
            odds_ratio > 1, 'helps',
            odds_ratio < 1, 'hinders',
            'neither'
        ) as String
    ) as effect,
    -- numbers
    cast(step as UInt8) as step,
    cast(successes as UInt64) as successes,
    cast(failures as UInt64) as failures,
    cast(all_successes as UInt64) as all_successes,
    cast(all_failures as UInt64) as all_failures,
    cast(odds_ratio as Float64) as odds_ratio
from rated
