{{ config(order_by='(funnel, entry_date)') }}

with
chains as (
    select
        person_funnels.funnel as funnel,
        person_funnels.entry_date as entry_date,
        person_funnels.furthest_step as furthest_step,
        person_funnels.steps_done as steps_done,
        person_funnels.is_excluded as is_excluded,
        person_funnels.is_best as is_best,
        {{ funnel_is_complete('person_funnels', 'reporting_period') }} as is_complete
    from {{ ref('person_funnels') }} as person_funnels
    cross join {{ ref('reporting_period') }} as reporting_period
)

select
    -- strings
    funnel,
    -- numbers
    furthest_step,
    steps_done,
    count() as people,
    -- booleans
    is_excluded,
    is_best,
    is_complete,
    -- dates
    entry_date
from chains
group by funnel, furthest_step, steps_done, is_excluded, is_best, is_complete, entry_date
