{{ config(materialized='view') }}

{#- What counts once per person: `where is_best` for figures of everybody, `where is_complete` for those of finished
    entries. -#}
with
best_chains as (
    select
        person_funnels.*,
        {{ funnel_is_complete('person_funnels', 'reporting_period') }} as is_complete
    from {{ ref('person_funnels') }} as person_funnels
    cross join {{ ref('reporting_period') }} as reporting_period
    where person_funnels.is_best
)

select
    -- ids
    funnel,
    person_id,
    -- strings
    breakdown_values,
    -- numbers
    furthest_step,
    steps_done,
    -- booleans
    is_excluded,
    is_best,
    is_complete,
    -- timestamps
    step_times
from best_chains
union all
select
    -- ids
    funnel,
    person_id,
    -- strings
    breakdown_values,
    -- numbers
    furthest_step,
    steps_done,
    -- booleans
    is_excluded,
    false as is_best,
    true as is_complete,
    -- timestamps
    step_times
from {{ ref('funnel_earlier_chains') }}
