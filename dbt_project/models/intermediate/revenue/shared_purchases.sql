{{ config(order_by='(kind, purchase_id, user_id)') }}

{# Whoever any delivery names counts, also one that was corrected since: these are the people of whom something may
    change when another one's event does. Users of a device count only where a delivery names nobody else. Who gives an
    order back shares it. #}
{% set purchases = {
    'order': "arrayJoin(arrayFilter(name -> name != '', [" ~ order_key() ~ ", refunded_order_id]))",
    'subscription': 'subscription_id',
} %}

with
{% for kind, purchase_id in purchases.items() -%}
{{ kind }}_lines as (
    select
        {{ purchase_id }} as purchase_id,
        user_id,
        if(user_id = '', anonymous_id, '') as device_id
    from {{ ref('stg_revenue_deliveries') }}
),

{{ kind }}s as (
    select
        '{{ kind }}' as kind,
        purchase_id,
        user_id,
        device_id
    from {{ kind }}_lines
    where
        purchase_id in (
            select purchase_id from {{ kind }}_lines
            where purchase_id != ''
            group by purchase_id
            having min((user_id, device_id)) != max((user_id, device_id))
        )
),

{% endfor -%}
parties as (
    select * from orders
    union all
    select * from subscriptions
),

named as (
    select
        parties.kind as kind,
        parties.purchase_id as purchase_id,
        arrayJoin(arrayConcat([parties.user_id], identities.user_ids)) as user_id
    from parties
    left join {{ ref('user_identities') }} as identities on parties.device_id = identities.anonymous_id
),

users as (
    select
        kind,
        purchase_id,
        groupUniqArrayIf(user_id, user_id != '') as user_ids
    from named
    group by kind, purchase_id
    having length(user_ids) > 1
)

select
    -- ids
    purchase_id,
    arrayJoin(user_ids) as user_id,
    -- strings
    kind
from users
