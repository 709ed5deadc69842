{{ config(order_by='(funnel, step)') }}

{#- What funnel_counted_chains holds, but the best chains already counted by funnel_entries. -#}
with
chains as (
    select
        funnel,
        furthest_step,
        steps_done,
        people,
        is_excluded,
        is_best,
        is_complete
    from {{ ref('funnel_entries') }}
    where is_best
    union all
    select
        funnel,
        furthest_step,
        steps_done,
        1 as people,
        is_excluded,
        false as is_best,
        true as is_complete
    from {{ ref('funnel_earlier_chains') }}
),

entries as (
    select
        funnel,
        sumIf(people, is_best and is_excluded) as excluded_users,
        sumMapIf([furthest_step], [people], is_best and not is_excluded) as people_by_furthest_step,
        sumMapIf([furthest_step], [people], is_complete and not is_excluded) as complete_by_furthest_step,
        groupArrayIf((steps_done, people), is_best and not is_excluded) as people_by_steps_done
    from chains
    group by funnel
),

counted as (
    select
        steps.*,
        coalesce(entries.excluded_users, 0) as excluded_users,
        {{ funnel_users_from('entries.people_by_furthest_step', '1') }} as entrants,
        {{ funnel_users_from('entries.people_by_furthest_step', 'steps.step') }} as users,
        arraySum(
            line -> if(bitTest(line.1, steps.step - 1), line.2, 0), entries.people_by_steps_done
        ) as users_done,
        {{ funnel_users_from('entries.complete_by_furthest_step', '1') }} as complete_entrants,
        {{ funnel_users_from('entries.complete_by_furthest_step', 'greatest(steps.step - 1, 1)') }}
            as complete_previous_users,
        {{ funnel_users_from('entries.complete_by_furthest_step', 'steps.step') }} as complete_users
    from {{ ref('declared_funnels') }} as steps
    left join entries on steps.funnel = entries.funnel
)

select
    -- strings
    cast(funnel as String) as funnel,
    cast(funnel_title as String) as funnel_title,
    cast(order_mode as String) as order_mode,
    cast(reentry as String) as reentry,
    cast(step_name as String) as step_name,
    cast(step_title as String) as step_title,
    -- numbers
    cast(step as UInt8) as step,
    cast(steps as UInt8) as steps,
    cast(window_ms as Int64) as window_ms,
    cast(entrants as UInt64) as entrants,
    cast(users as UInt64) as users,
    cast(users_done as UInt64) as users_done,
    cast(excluded_users as UInt64) as excluded_users,
    cast(complete_entrants as UInt64) as complete_entrants,
    cast(complete_previous_users as UInt64) as complete_previous_users,
    cast(complete_users as UInt64) as complete_users,
    {{ rate_columns('conversion_from_start', 'complete_users', 'complete_entrants') }},
    {{ rate_columns('conversion_from_previous', 'complete_users', 'complete_previous_users') }},
    -- booleans
    cast(is_optional as Bool) as is_optional
from counted
