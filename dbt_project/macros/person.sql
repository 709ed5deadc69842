{#- Who did it: the known user, or the only user that the device was ever seen with, or the device itself. -#}
{%- macro person_id(events, identities) -%}
    coalesce(nullIf({{ events }}.user_id, ''), {{ identities }}.user_id, concat('anonymous:', {{ events }}.anonymous_id))
{%- endmacro -%}

{#- CTE body: devices that one user alone was seen with, and that user. -#}
{%- macro owners_of_devices() -%}
    select
        anonymous_id,
        user_id
    from {{ ref('user_identities') }}
    where not is_conflict
{%- endmacro -%}

{#- CTE body: with which channel and device each person first came. -#}
{%- macro first_touch_of_people() -%}
    select
        person_id,
        first_channel,
        first_device_type
    from {{ ref('people') }}
{%- endmacro -%}
