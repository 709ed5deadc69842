{{ config(order_by='(funnel, breakdown, step, value)') }}

with
segments as (
    select
        funnel,
        breakdown,
        value,
        sumMap([furthest_step], [people]) as people_by_furthest_step,
        sumMap([furthest_step], [complete_people]) as complete_by_furthest_step
    from {{ ref('funnel_segments') }}
    group by funnel, breakdown, value
),

counted as (
    select
        segments.funnel as funnel,
        segments.breakdown as breakdown,
        segments.value as value,
        steps.step as step,
        steps.step_name as step_name,
        has(steps.late_breakdowns, segments.breakdown) as is_late,
        {{ funnel_users_from('segments.people_by_furthest_step', '1') }} as entrants,
        {{ funnel_users_from('segments.people_by_furthest_step', 'steps.step') }} as users,
        {{ funnel_users_from('segments.complete_by_furthest_step', '1') }} as complete_entrants,
        {{ funnel_users_from('segments.complete_by_furthest_step', 'greatest(steps.step - 1, 1)') }}
            as complete_previous_users,
        {{ funnel_users_from('segments.complete_by_furthest_step', 'steps.step') }} as complete_users
    from segments
    inner join {{ ref('declared_funnels') }} as steps on segments.funnel = steps.funnel
),

compared as (
    select
        *,
        max(is_late) over (partition by funnel, breakdown) = 0 as is_known_at_entry,
        sum(complete_users) over everybody - complete_users as other_users,
        sum(complete_entrants) over everybody - complete_entrants as other_entrants
    from counted
    window everybody as (partition by funnel, breakdown, step)
),

{# At step 1 everybody has arrived, so there is nothing to test: the p-value is NULL. Nor has a value something to say
   that only those have who came as far as a later step. #}
tested as (
    select
        *,
        if(
            is_known_at_entry,
            {{ two_proportion_p_value('complete_users', 'complete_entrants', 'other_users', 'other_entrants') }},
            null
        ) as p_value
    from compared
),

ranked as (
    select
        *,
        count(p_value) over (partition by funnel, breakdown) as tests,
        count(p_value) over (
            partition by funnel, breakdown order by p_value asc nulls last
            range between unbounded preceding and current row
        ) as p_rank
    from tested
),

adjusted as (
    select
        *,
        {{ benjamini_hochberg('p_value', 'p_rank', 'funnel, breakdown') }} as adjusted_p_value
    from ranked
)

select
    -- strings
    cast(funnel as String) as funnel,
    cast(breakdown as String) as breakdown,
    cast(value as String) as value,
    cast(step_name as String) as step_name,
    -- numbers
    cast(step as UInt8) as step,
    cast(entrants as UInt64) as entrants,
    cast(users as UInt64) as users,
    cast(complete_entrants as UInt64) as complete_entrants,
    cast(complete_previous_users as UInt64) as complete_previous_users,
    cast(complete_users as UInt64) as complete_users,
    {{ rate_columns('conversion_from_start', 'complete_users', 'complete_entrants') }},
    {{ rate_columns('conversion_from_previous', 'complete_users', 'complete_previous_users') }},
    {{ rate_columns('other_conversion_from_start', 'other_users', 'other_entrants') }},
    cast(p_value as Nullable(Float64)) as p_value,
    cast(adjusted_p_value as Nullable(Float64)) as adjusted_p_value,
    -- booleans
    cast(coalesce(adjusted_p_value <= {{ var('funnel_false_discovery_rate') }}, false) as Bool) as is_different
from adjusted
