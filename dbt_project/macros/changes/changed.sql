{#- Conditions on rows that changed since the model's last build. They belong behind `{% if only_changes() %}` and, as the
    materialization's `stale`, name the rows that this build replaces. -#}

{#- A delivery in raw that is new. -#}
{%- macro is_new_delivery() -%}
    {%- set mark = build_mark() -%}
    (  {{ mark_comment() }}
        (
            ingested_at > toDateTime64('{{ mark.rows_from }}', 3, 'UTC')
            or has({{ mark.new_loads }}::Array(UUID), load_id)
        )
        and ingested_at <= toDateTime64('{{ mark.rows_until }}', 3, 'UTC')
    )
{%- endmacro -%}

{#- Ids of events of one raw table of which a delivery is new. -#}
{%- macro changed_event_ids(source) -%}
    select deliveries.event_id from {{ ref('stg_deliveries') }} as deliveries
    where deliveries.source_table = '{{ source }}' and {{ is_new_delivery() }}
{%- endmacro -%}

{#- The mark inside the compiled SQL: the materialization reads it there, so that rows, removal and new mark agree even when
    raw has grown between compiling and running. -#}
{%- macro mark_comment() -%}
    /* build mark {{ tojson(build_mark()) }} */
{%- endmacro -%}

{#- Days on which events of a raw table appeared, or from which they moved away. -#}
{%- macro changed_event_days(source) -%}
    select deliveries.event_date from {{ ref('stg_deliveries') }} as deliveries
    where deliveries.source_table = '{{ source }}' and deliveries.event_id in ({{ changed_event_ids(source) }})
{%- endmacro -%}

{#- People of whom anything changed: an event came, was corrected, or moved to another person. -#}
{%- macro changed_people() -%}
    {%- set mark = build_mark() -%}
    select person_changes.person_id from {{ ref('person_changes') }} as person_changes
    where  {{ mark_comment() }}
        person_changes.changed_at > toDateTime64('{{ mark.people_from }}', 6, 'UTC')
        and person_changes.changed_at <= toDateTime64('{{ mark.people_until }}', 6, 'UTC')
{%- endmacro -%}

{#- Devices whose owner changed. -#}
{%- macro moved_devices() -%}
    {%- set mark = build_mark() -%}
    select person_changes.anonymous_id from {{ ref('person_changes') }} as person_changes
    where
        person_changes.changed_at > toDateTime64('{{ mark.people_from }}', 6, 'UTC')
        and person_changes.changed_at <= toDateTime64('{{ mark.people_until }}', 6, 'UTC')
        and person_changes.anonymous_id != ''
{%- endmacro -%}

{#- For models whose rows belong to one person each. -#}
{%- macro rows_of_changed_people() -%}
    person_id in ({{ changed_people() }})
{%- endmacro -%}

{#- Rows of person_events that a build of changes replaces. -#}
{%- macro changed_person_events() -%}
    event_id in ({{ changed_event_ids('user_events') }})
    or (user_id = '' and anonymous_id in ({{ moved_devices() }}))
{%- endmacro -%}
{#- A relation restricted, in a build of changes, to the rows of people that changed. -#}
{%- macro of_changed_people(relation) -%}
    {%- if only_changes() -%}
    (select * from {{ relation }} where {{ rows_of_changed_people() }})
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro -%}
