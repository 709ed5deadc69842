{#- Since when, and until when, something that happened counts as a user's to somebody who knew no later event. What carries
    the user counts from its day. What a device did counts from the day on which the device was identified, for the user
    whom it was identified with first, and until the day on which it is seen with a second user. -#}
{%- macro known_user(user_id, identities) -%}
    if({{ user_id }} != '', {{ user_id }}, coalesce({{ identities }}.first_user_id, ''))
{%- endmacro -%}

{%- macro known_from(user_id, day, identities) -%}
    if(
        {{ user_id }} != '',
        {{ day }},
        greatest({{ day }}, coalesce({{ reporting_date(identities ~ '.first_identified_at') }}, toDate('2149-06-06')))
    )
{%- endmacro -%}

{%- macro known_until(user_id, identities) -%}
    if(
        {{ user_id }} != '',
        toDate('2149-06-06'),
        coalesce({{ reporting_date(identities ~ '.conflict_at') }}, toDate('2149-06-06'))
    )
{%- endmacro -%}
