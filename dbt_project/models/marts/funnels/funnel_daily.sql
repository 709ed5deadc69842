{{ config(order_by='(funnel, entry_date, step)') }}

{#- Every day of the data has its rows, days without an entry too. Rates of a day are NULL until the window of its last
    possible entry is over: a figure that can still grow is no figure. -#}
with
days as (
    select
        steps.funnel as funnel,
        steps.step as step,
        steps.step_name as step_name,
        steps.step_title as step_title,
        reporting_days.day as entry_date,
        reporting_days.is_partial as is_partial,
        {{ funnel_day_is_complete('reporting_days.day', 'steps.window_ms', 'reporting_period') }} as is_complete
    from {{ ref('declared_funnels') }} as steps
    cross join {{ ref('reporting_days') }} as reporting_days
    cross join {{ ref('reporting_period') }} as reporting_period
),

entries as (
    select
        funnel,
        entry_date,
        sumIf(people, is_excluded) as excluded_users,
        sumIf(people, not is_excluded and not is_complete) as open_users,
        sumMapIf([furthest_step], [people], not is_excluded) as people_by_furthest_step,
        groupArrayIf((steps_done, people), not is_excluded) as people_by_steps_done
    from {{ ref('funnel_entries') }}
    group by funnel, entry_date
),

counted as (
    select
        days.funnel as funnel,
        days.step as step,
        days.step_name as step_name,
        days.step_title as step_title,
        days.entry_date as entry_date,
        days.is_partial as is_partial,
        days.is_complete as is_complete,
        coalesce(entries.excluded_users, 0) as excluded_users,
        coalesce(entries.open_users, 0) as open_users,
        {{ funnel_users_from('entries.people_by_furthest_step', '1') }} as entrants,
        {{ funnel_users_from('entries.people_by_furthest_step', 'greatest(days.step - 1, 1)') }} as previous_users,
        {{ funnel_users_from('entries.people_by_furthest_step', 'days.step') }} as users,
        arraySum(
            line -> if(bitTest(line.1, days.step - 1), line.2, 0), entries.people_by_steps_done
        ) as users_done
    from days
    left join entries on days.funnel = entries.funnel and days.entry_date = entries.entry_date
)

select
    -- strings
    cast(funnel as String) as funnel,
    cast(step_name as String) as step_name,
    cast(step_title as String) as step_title,
    -- numbers
    cast(step as UInt8) as step,
    cast(entrants as UInt64) as entrants,
    cast(previous_users as UInt64) as previous_users,
    cast(users as UInt64) as users,
    cast(users_done as UInt64) as users_done,
    cast(excluded_users as UInt64) as excluded_users,
    cast(open_users as UInt64) as open_users,
    {{ rate_columns('conversion_from_start', 'users', 'if(is_complete, entrants, null)') }},
    {{ rate_columns('conversion_from_previous', 'users', 'if(is_complete, previous_users, null)') }},
    -- booleans
    cast(is_complete as Bool) as is_complete,
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(entry_date as Date) as entry_date
from counted
