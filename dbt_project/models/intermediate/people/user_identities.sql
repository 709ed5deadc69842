{{ config(order_by='anonymous_id') }}

with
pairs as (
    select
        anonymous_id,
        user_id,
        min(first_event_at) as first_seen_together_at
    from {{ ref('identity_sightings') }}
    where anonymous_id != '' and {{ until_as_of_date('event_date') }}
    group by anonymous_id, user_id
),

identified as (
    select
        anonymous_id,
        arraySort(groupArray(user_id)) as user_ids,
        arraySort(groupArray((first_seen_together_at, user_id))) as first_sightings
    from pairs
    group by anonymous_id
)

select
    -- ids
    anonymous_id,
    if(length(user_ids) = 1, user_ids[1], null) as user_id,
    user_ids,
    tupleElement(first_sightings[1], 2) as first_user_id,
    -- booleans
    length(user_ids) > 1 as is_conflict,
    -- timestamps
    tupleElement(first_sightings[1], 1) as first_identified_at,
    if(length(user_ids) > 1, tupleElement(first_sightings[2], 1), null) as conflict_at
from identified
