{{ config(materialized=changing_table(), order_by='(changed_at, person_id, anonymous_id)') }}
-- depends_on: {{ ref('event_changes') }}, {{ ref('stg_revenue_deliveries') }}

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

{# Devices that paid without a user and have another owner now. #}
paying_devices as (
    select anonymous_id from {{ ref('stg_revenue_deliveries') }}
    where user_id = '' and anonymous_id != ''
),

moved_payers as (
    select anonymous_id
    from (
        select
            anonymous_id,
            argMax(user_id, changed_at) as owner_id
        from {{ this }}
        where anonymous_id in (select paying_devices.anonymous_id from paying_devices)
        group by anonymous_id
        union all
        select
            anonymous_id,
            coalesce(user_id, '') as owner_id
        from {{ ref('user_identities') }}
        where anonymous_id in (select paying_devices.anonymous_id from paying_devices)
    )
    group by anonymous_id
    having min(owner_id) != max(owner_id) or (count() = 1 and max(owner_id) != '')
),

{# Orders and subscriptions belong to one person, and lines of others may decide to whom, and what they are. #}
shared_things as (
    select arrayJoin([{{ order_key() }}, refunded_order_id, subscription_id]) as thing_id
    from {{ ref('stg_revenue_deliveries') }}
    where
        event_id in ({{ changed_event_ids('revenue_events') }})
        or (user_id = '' and anonymous_id in (select moved_payers.anonymous_id from moved_payers))
),

who_shares as (
    select
        user_id,
        anonymous_id,
        arrayJoin(
            arrayFilter(thing -> thing != '', [{{ order_key() }}, refunded_order_id, subscription_id])
        ) as thing_id
    from {{ ref('stg_revenue_deliveries') }}
),

touched as (
    select distinct
        event_changes.user_id as user_id,
        event_changes.anonymous_id as anonymous_id
    from {{ ref('event_changes') }} as event_changes
    where {{ is_new_in('event_changes') }}
    union distinct
    select
        who_shares.user_id as user_id,
        who_shares.anonymous_id as anonymous_id
    from who_shares
    where who_shares.thing_id in (select shared_things.thing_id from shared_things)
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
