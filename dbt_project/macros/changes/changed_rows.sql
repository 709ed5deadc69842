{#- A table in which only what changed is computed again. Its SQL answers everything, or behind only_changes() the new rows
    of the keys that changed; rows with these keys are replaced:

      replaces    the key, a column or a tuple of columns; none: rows are only added
      changed     the macro that answers the keys as a query

    The new rows are complete before an old one goes; between removing and adding lie milliseconds. They stand in a table
    `__fresh` beside the model and their keys in `__keys`, until both are done: a build that dies in between leaves them, and
    the next one ends its work first. It could not compute these rows again, since some are made of rows that stood in the
    table itself. -#}
{% materialization changed_rows, adapter='clickhouse' %}
    {%- set fresh = this.incorporate(path={'identifier': this.identifier ~ '__fresh'}, type='table') -%}
    {%- set keys = this.incorporate(path={'identifier': this.identifier ~ '__keys'}, type='table') -%}
    {%- if not take_mark_of(sql) -%}
        {{ drop_side_tables(keys, fresh) }}
        {%- set result = materialization_table_clickhouse() -%}
        {%- do write_mark() -%}
        {{ return(result) }}
    {%- endif -%}

    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- set replaces = config.get('replaces') -%}
    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='quoted') | join(', ') -%}
    {%- if load_relation(keys) is not none and load_relation(fresh) is not none -%}
        {#- The keys may be incomplete, the rows are not: the build before did not begin with keys earlier. -#}
        {%- set key_columns = replaces[1:-1] if replaces.startswith('(') else replaces -%}
        {%- set replaced_before -%}
            {{ replaces }} in (select * from {{ keys }} union all select {{ key_columns }} from {{ fresh }})
        {%- endset -%}
        {{ replace_rows('rows_of_the_dead_build', target_relation, replaced_before, columns, fresh) }}
    {%- endif -%}
    {{ drop_side_tables(keys, fresh) }}
    {{ create_side_table(fresh, sql) }}
    {%- if replaces -%}
        {#- The keys stand in a table of their own: a removal asks once for each part of the table. -#}
        {{ create_side_table(keys, "select distinct * from (" ~ context[config.require("changed")]() ~ ")") }}
    {%- endif -%}
    {%- set replaced = (replaces ~ ' in (select * from ' ~ keys ~ ')') if replaces else none -%}
    {{ replace_rows('main', target_relation, replaced, columns, fresh) }}
    {%- do write_mark() -%}
    {{ drop_side_tables(keys, fresh) }}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Remove the rows that a condition names, if there is one, and add the fresh ones. -#}
{%- macro replace_rows(name, relation, replaced, columns, fresh) -%}
    {%- if replaced -%}
        {%- call statement('remove_' ~ name) -%}delete from {{ relation }} where {{ replaced }}{%- endcall -%}
    {%- endif -%}
    {%- call statement(name) -%}
        insert into {{ relation }} ({{ columns }}) select {{ columns }} from {{ fresh }}
    {%- endcall -%}
{%- endmacro -%}

{#- A table beside the target that lives as long as the build of the model. -#}
{%- macro create_side_table(relation, query) -%}
    {%- call statement('create_' ~ relation.identifier) -%}
        create table {{ relation }} engine = MergeTree order by tuple() as {{ query }}
        {{ adapter.get_model_query_settings(model) }}
    {%- endcall -%}
{%- endmacro -%}

{#- The keys go first: rows without keys belong to a build that removed nothing, or is done. -#}
{%- macro drop_side_tables(keys, fresh) -%}
    {%- call statement('drop_keys') -%}drop table if exists {{ keys }}{%- endcall -%}
    {%- call statement('drop_fresh') -%}drop table if exists {{ fresh }}{%- endcall -%}
{%- endmacro -%}

{#- Whether the SQL was compiled for changes only; from here on build_mark() answers what it was compiled with. -#}
{%- macro take_mark_of(compiled_sql) -%}
    {%- set found = modules.re.search('/\\* build mark (.*?) \\*/', compiled_sql) -%}
    {%- if found -%}
        {%- do model.update({'_build_mark': fromjson(found.group(1))}) -%}
    {%- endif -%}
    {{ return(found is not none) }}
{%- endmacro -%}

{#- Write down what the model has absorbed; the newest row of a model counts. -#}
{%- macro write_mark() -%}
    {%- set mark = build_mark() -%}
    {%- call statement('create_marks') -%}
        create table if not exists {{ marks_table() }} (
            model String,
            fingerprint String,
            event_changes_until DateTime64(6, 'UTC'),
            person_changes_until DateTime64(6, 'UTC'),
            rows_until DateTime64(3, 'UTC'),
            loads Array(UUID),
            marked_at DateTime64(6, 'UTC') default now64(6)
        )
        engine = ReplacingMergeTree(marked_at) order by model
        comment 'What each model has absorbed, see macros/changes. One row per model, the newest counts.'
    {%- endcall -%}
    {%- call statement('write_mark') -%}
        insert into {{ marks_table() }}
        (model, fingerprint, event_changes_until, person_changes_until, rows_until, loads)
        select
            '{{ model.name }}',
            '{{ model_fingerprint() }}',
            toDateTime64('{{ mark.event_changes_until }}', 6, 'UTC'),
            toDateTime64('{{ mark.person_changes_until }}', 6, 'UTC'),
            toDateTime64('{{ mark.get("rows_seen", "1970-01-01 00:00:00.000") }}', 3, 'UTC'),
            {{ mark.get("loads", "[]") }}::Array(UUID)
    {%- endcall -%}
{%- endmacro -%}
