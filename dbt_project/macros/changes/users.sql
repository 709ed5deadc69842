{#- Whose features changed, for user_features and what it is made from: what a device did is a user's only as long as no
    second user is seen with it, and an order or a subscription may name several users. -#}

{#- People of whom anything changed, and all users of devices that several share and that anything happened on, or with an
    order that anything happened to. -#}
{%- macro changed_users() -%}
    {{ changed_people() }}
    union all
    select arrayJoin(identities.user_ids) as user_id from {{ ref('user_identities') }} as identities
    where
        identities.is_conflict
        and (
            identities.anonymous_id in (
                select event_changes.anonymous_id from {{ ref('event_changes') }} as event_changes
                where {{ is_new_in('event_changes') }}
            )
            or concat('anonymous:', identities.anonymous_id) in ({{ changed_people() }})
        )
{%- endmacro -%}

{#- And those who share an order or a subscription with one of them. -#}
{%- macro changed_buyers() -%}
    {{ changed_users() }}
    union all
    select shared.user_id from {{ ref('shared_purchases') }} as shared
    where (shared.kind, shared.purchase_id) in (
        select
            named.kind,
            named.purchase_id
        from {{ ref('shared_purchases') }} as named
        where named.user_id in ({{ changed_users() }})
    )
{%- endmacro -%}

{#- user_features: rows of users that changed, and those at the as-of date, which bear an empty key. -#}
{%- macro changed_features() -%}
    {{ changed_buyers() }}
    union all
    select '' as user_id
{%- endmacro -%}

{#- A relation with the columns user_id and cutoff_date; in a build of changes, its rows that user_features needs. -#}
{%- macro of_changed_features(relation) -%}
    {%- if only_changes() -%}
    (
        select * from {{ relation }}
        where
            user_id in ({{ changed_buyers() }})
            or cutoff_date in (select cutoffs.cutoff_date from {{ ref('feature_cutoffs') }} as cutoffs where cutoffs.is_as_of)
    )
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro -%}
