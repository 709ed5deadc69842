{{ config(materialized=changing_table(), order_by='(changed_at, person_id, anonymous_id)') }}
-- depends_on: {{ ref('event_changes') }}

{# Built whole, the log begins anew with every device and its owner; models that have not absorbed that are built whole
    too. Later builds add the people whose events came, were corrected or changed hands. #}
with
{% if only_changes() %}
owners_before as (
    select
        anonymous_id,
        argMax(user_id, changed_at) as user_id
    from {{ this }}
    where anonymous_id != ''
    group by anonymous_id
),

owners as (
    select
        coalesce(before.anonymous_id, identities.anonymous_id) as anonymous_id,
        coalesce(before.user_id, '') as user_before,
        coalesce(identities.user_id, '') as user_now
    from owners_before as before
    full outer join {{ ref('user_identities') }} as identities on before.anonymous_id = identities.anonymous_id
),

touched as (
    select distinct
        event_changes.user_id as user_id,
        event_changes.anonymous_id as anonymous_id
    from {{ ref('event_changes') }} as event_changes
    where {{ is_new_in('event_changes') }}
),

people as (
    select
        '' as moved_id,
        '' as owner_id,
        arrayJoin(
            if(
                touched.user_id != '',
                [touched.user_id],
                [
                    coalesce(nullIf(owners.user_before, ''), concat('anonymous:', touched.anonymous_id)),
                    coalesce(nullIf(owners.user_now, ''), concat('anonymous:', touched.anonymous_id))
                ]
            )
        ) as person_id
    from touched
    left join owners on touched.anonymous_id = owners.anonymous_id
    where touched.user_id != '' or touched.anonymous_id != ''
    union all
    select
        anonymous_id as moved_id,
        user_now as owner_id,
        arrayJoin([
            coalesce(nullIf(user_before, ''), concat('anonymous:', anonymous_id)),
            coalesce(nullIf(user_now, ''), concat('anonymous:', anonymous_id))
        ]) as person_id
    from owners
    where user_before != user_now
)
{% else %}
people as (
    select
        anonymous_id as moved_id,
        coalesce(user_id, '') as owner_id,
        '' as person_id
    from {{ ref('user_identities') }}
    union all
    select
        '' as moved_id,
        '' as owner_id,
        '' as person_id
)
{% endif %}

select distinct
    -- ids
    assumeNotNull(person_id) as person_id,
    assumeNotNull(moved_id) as anonymous_id,
    assumeNotNull(owner_id) as user_id,
    -- timestamps
    now64(6) as changed_at
from people
