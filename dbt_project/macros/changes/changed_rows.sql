{#- A table in which only what changed is computed again: rows for which the macro named by `stale` holds are replaced by
    what the model's SQL answers. The SQL answers everything when only_changes() is false, and exactly the rows of `stale`
    when it is true. `stale: none` only appends.

    The new rows are complete before an old one goes; between removing and adding lie milliseconds. A build that dies in
    between leaves no mark, so the next one computes the same rows again. -#}
{% materialization changed_rows, adapter='clickhouse' %}
    {%- if not take_mark_of(sql) -%}
        {%- set result = materialization_table_clickhouse() -%}
        {%- do write_mark() -%}
        {{ return(result) }}
    {%- endif -%}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set fresh = this.incorporate(path={'identifier': this.identifier ~ '__changed'}, type='table') -%}
    {{ drop_relation_if_exists(fresh) }}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        create table {{ fresh }} engine = MergeTree order by tuple() as {{ sql }}
        {{ adapter.get_model_query_settings(model) }}
    {%- endcall %}
    {%- if config.require('stale') != 'none' -%}
        {% call statement('remove_stale') -%}
            delete from {{ target_relation }} where {{ context[config.require('stale')]() }}
        {%- endcall %}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='quoted') | join(', ') -%}
    {% call statement('add_fresh') -%}
        insert into {{ target_relation }} ({{ columns }}) select {{ columns }} from {{ fresh }}
    {%- endcall %}
    {{ drop_relation_if_exists(fresh) }}
    {%- do write_mark() -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

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
            rows_until DateTime64(3, 'UTC'),
            people_until DateTime64(6, 'UTC'),
            loads Array(UUID),
            marked_at DateTime64(6, 'UTC') default now64(6)
        )
        engine = ReplacingMergeTree(marked_at) order by model
        comment 'What each model has absorbed, see macros/changes. One row per model, the newest counts.'
    {%- endcall -%}
    {%- call statement('write_mark') -%}
        insert into {{ marks_table() }} (model, fingerprint, rows_until, people_until, loads)
        select
            '{{ model.name }}',
            '{{ model_fingerprint() }}',
            toDateTime64('{{ mark.rows_until }}', 3, 'UTC'),
            toDateTime64('{{ mark.people_until }}', 6, 'UTC'),
            {{ mark.loads }}::Array(UUID)
    {%- endcall -%}
{%- endmacro -%}
