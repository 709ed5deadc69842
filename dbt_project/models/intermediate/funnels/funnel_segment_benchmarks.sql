{{ config(order_by='(funnel, step, resample)') }}

{#- The judged days once more, by the values of every breakdown that are known before the step; without
    `bottleneck_benchmark: best_decile` empty. -#}
with
judged as (
    select
        funnel,
        entry_date
    from {{ ref('funnel_judged_days') }}
    where is_judged and '{{ var("bottleneck_benchmark") }}' = 'best_decile'
),

segment_days as (
    select
        chains.funnel as funnel,
        chains.entry_date as entry_date,
        arrayJoin(chains.breakdown_values) as segment,
        chains.furthest_step as furthest_step
    from {{ ref('person_funnels') }} as chains
    inner join judged on chains.funnel = judged.funnel and chains.entry_date = judged.entry_date
    where not chains.is_excluded
),

counted as (
    select
        funnel,
        entry_date,
        segment,
        sumMap([furthest_step], [toUInt64(1)]) as people_by_furthest_step
    from segment_days
    group by funnel, entry_date, segment
),

resamples as (
    select number as resample from numbers({{ var('bottleneck_resamples') }} + 1)
),

weighted as (
    select
        counted.*,
        resamples.resample as resample,
        {{ bootstrap_weight('resamples.resample', 'counted.funnel, counted.entry_date') }} as weight
    from counted
    cross join resamples
),

segment_rates as (
    select
        steps.funnel as funnel,
        steps.step as step,
        weighted.resample as resample,
        weighted.segment as segment,
        sum(weighted.weight * {{ funnel_users_from('weighted.people_by_furthest_step', 'steps.step - 1') }})
            as entrants,
        sum(weighted.weight * {{ funnel_users_from('weighted.people_by_furthest_step', 'steps.step') }}) as passed
    from weighted
    inner join {{ ref('declared_funnels') }} as steps on weighted.funnel = steps.funnel
    where steps.step > 1 and not has(steps.late_breakdowns, weighted.segment.1)
    group by funnel, step, resample, segment
    having entrants >= {{ var('bottleneck_min_users') }}
)

select
    -- strings
    funnel,
    -- numbers
    step,
    resample,
    arrayReduce('quantileExactWeighted(0.9)', groupArray(passed / entrants), groupArray(1)) as benchmark_rate
from segment_rates
group by funnel, step, resample
