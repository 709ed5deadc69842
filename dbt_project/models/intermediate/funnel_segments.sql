{{ config(order_by='(funnel, breakdown, value)') }}

{#- One chain per person, as in the table `funnels`. -#}
with
chains as (
    select
        person_funnels.funnel as funnel,
        person_funnels.furthest_step as furthest_step,
        arrayJoin(person_funnels.breakdown_values) as pair,
        {{ funnel_is_complete('person_funnels', 'reporting_period') }} as is_complete
    from {{ ref('person_funnels') }} as person_funnels
    cross join {{ ref('reporting_period') }} as reporting_period
    where person_funnels.is_best and not person_funnels.is_excluded
)

select
    -- strings
    funnel,
    pair.1 as breakdown,
    pair.2 as value,
    -- numbers
    furthest_step,
    count() as people,
    countIf(is_complete) as complete_people
from chains
group by funnel, breakdown, value, furthest_step
