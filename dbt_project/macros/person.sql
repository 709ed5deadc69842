{#- Who did it: the known user, or the only user that the device was ever seen with, or the device itself. -#}
{%- macro person_id(events, identities) -%}
    coalesce(nullIf({{ events }}.user_id, ''), {{ identities }}.user_id, concat('anonymous:', {{ events }}.anonymous_id))
{%- endmacro -%}
