with
sightings as (
    select
        anonymous_id,
        user_id,
        event_date,
        event_at
    from {{ ref('stg_user_events') }}
    union all
    select
        anonymous_id,
        user_id,
        event_date,
        event_at
    from {{ ref('stg_calculator_usage') }}
    union all
    select
        anonymous_id,
        user_id,
        event_date,
        event_at
    from {{ ref('stg_revenue_events') }}
),

identified as (
    select
        sightings.anonymous_id as anonymous_id,
        arraySort(groupUniqArray(sightings.user_id)) as user_ids,
        min(sightings.event_at) as first_identified_at
    from sightings
    where sightings.anonymous_id != '' and sightings.user_id != '' and {{ until_as_of_date('sightings.event_date') }}
    group by sightings.anonymous_id
)

select
    -- ids
    anonymous_id,
    if(length(user_ids) = 1, user_ids[1], null) as user_id,
    user_ids,
    -- booleans
    length(user_ids) > 1 as is_conflict,
    -- timestamps
    first_identified_at
from identified
