{{ config(order_by='(funnel, person_id)') }}

{#- Few people have one, so only theirs are looked through. With `reentry: first` nobody has one: the first entry's
    window ends first. -#}
with
chains as (
    select
        person_funnels.*,
        {{ funnel_is_complete('person_funnels', 'reporting_period') }} as is_complete
    from {{ ref('person_funnels') }} as person_funnels
    cross join {{ ref('reporting_period') }} as reporting_period
),

unfinished as (
    select
        funnel,
        person_id
    from chains
    where is_best and not is_complete
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
    -- timestamps
    step_times
from chains
where
    not is_best
    and is_complete
    and (funnel, person_id) in (
        select
            unfinished.funnel,
            unfinished.person_id
        from unfinished
    )
order by funnel asc, person_id asc, furthest_step desc, is_excluded asc, entered_at asc
limit 1 by funnel, person_id
