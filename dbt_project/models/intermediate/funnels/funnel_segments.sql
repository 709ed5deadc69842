{{ config(order_by='(funnel, breakdown, value)') }}

{#- One chain per person, as in the table `funnels`. -#}
with
chains as (
    select
        funnel,
        furthest_step,
        arrayJoin(breakdown_values) as pair,
        is_best,
        is_complete
    from {{ ref('funnel_counted_chains') }}
    where not is_excluded
)

select
    -- strings
    funnel,
    pair.1 as breakdown,
    pair.2 as value,
    -- numbers
    furthest_step,
    countIf(is_best) as people,
    countIf(is_complete) as complete_people
from chains
group by funnel, breakdown, value, furthest_step
