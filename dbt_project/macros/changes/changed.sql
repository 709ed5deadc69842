{#- Conditions on what changed since the model's last build. They belong behind `{% if only_changes() %}`, or are named by the
    materialization's `changed`: the keys of the rows that this build replaces. -#}

{#- The mark inside the compiled SQL: the materialization reads it there, so that rows, removal and new mark agree even when
    something has grown between compiling and running. -#}
{%- macro mark_comment() -%}
    /* build mark {{ tojson(build_mark()) }} */
{%- endmacro -%}

{#- An entry of a log that the model has not absorbed yet. -#}
{%- macro is_new_in(log) -%}
    {%- set mark = build_mark() -%}
    ({{ mark_comment() }}
        {{ log }}.changed_at > toDateTime64('{{ mark[log ~ "_from"] }}', 6, 'UTC')
        and {{ log }}.changed_at <= toDateTime64('{{ mark[log ~ "_until"] }}', 6, 'UTC')
    )
{%- endmacro -%}

{#- A delivery in raw that the log of events does not know yet. -#}
{%- macro is_new_delivery() -%}
    {%- set mark = build_mark() -%}
    ({{ mark_comment() }}
        (
            ingested_at > toDateTime64('{{ mark.rows_from }}', 3, 'UTC')
            or has({{ mark.new_loads }}::Array(UUID), load_id)
        )
        and ingested_at <= toDateTime64('{{ mark.rows_until }}', 3, 'UTC')
    )
{%- endmacro -%}

{#- Ids of events of one raw table that came or were corrected. -#}
{%- macro changed_event_ids(source) -%}
    select event_changes.event_id from {{ ref('event_changes') }} as event_changes
    where event_changes.source_table = '{{ source }}' and {{ is_new_in('event_changes') }}
{%- endmacro -%}

{#- Days on which events of a raw table appeared, or from which they moved away. -#}
{%- macro changed_event_days(source) -%}
    select event_changes.event_date from {{ ref('event_changes') }} as event_changes
    where event_changes.source_table = '{{ source }}' and {{ is_new_in('event_changes') }}
{%- endmacro -%}

{#- People of whom anything changed: an event came, was corrected, or moved to another person. -#}
{%- macro changed_people() -%}
    select person_changes.person_id from {{ ref('person_changes') }} as person_changes
    where {{ is_new_in('person_changes') }}
{%- endmacro -%}

{#- Devices whose owner changed. -#}
{%- macro moved_devices() -%}
    select person_changes.anonymous_id from {{ ref('person_changes') }} as person_changes
    where person_changes.anonymous_id != '' and {{ is_new_in('person_changes') }}
{%- endmacro -%}

{#- Who owned these devices before, and who does now. -#}
{%- macro people_of_moved_devices() -%}
    select person_changes.person_id from {{ ref('person_changes') }} as person_changes
    where person_changes.anonymous_id != '' and {{ is_new_in('person_changes') }}
{%- endmacro -%}

{#- A relation whose `column` names people; in a build of changes, its rows of people that changed. -#}
{%- macro of_changed_people(relation, column='person_id') -%}
    {%- if only_changes() -%}
    (select * from {{ relation }} where {{ column }} in ({{ changed_people() }}))
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro -%}

{#- How models are stored that are built only for what changed; on a cluster they are plain distributed tables. -#}
{%- macro changing_table() -%}
    {{ return('distributed_table' if target.name == 'cluster' else 'changed_rows') }}
{%- endmacro -%}
