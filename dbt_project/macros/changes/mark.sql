{#- What a model of the materialization `changed_rows` has absorbed, and whether it may add only what changed since
    (docs/decisions/060-only-what-changed.md). -#}

{#- The table of marks: one row per model and build, written by the materialization after the rows. -#}
{%- macro marks_table() -%}
    {{ return(target.schema ~ '_intermediate.build_marks') }}
{%- endmacro -%}

{#- Whether this run may keep the model's rows and add what changed. Asked while the SQL is compiled, so never in a unit
    test, and not on a cluster, where these models are plain tables. -#}
{%- macro only_changes() -%}
    {{ return(execute and model.config.materialized == 'changed_rows' and build_mark()['is_valid'] == '1') }}
{%- endmacro -%}

{#- A dictionary of texts, read in one query and only once a run:
      is_valid                     the rows that stand there may be kept
      rows_from, rows_until        rows of raw are new when they were stored after the one and up to the other,
      new_loads                    or belong to one of these loads, which were not complete before
      people_from, people_until    entries of person_changes are new after the one and up to the other
    Rows are not kept when the model is new, was built by other SQL or with other variables, has absorbed a load that was
    removed since, when the log of changed people began again, or when so much is new that all at once is less work. -#}
{%- macro build_mark() -%}
    {%- if '_build_mark' not in model -%}
        {%- do model.update({'_build_mark': _read_build_mark()}) -%}
    {%- endif -%}
    {{ return(model['_build_mark']) }}
{%- endmacro -%}

{%- macro _read_build_mark() -%}
    {%- set schema = target.schema ~ '_intermediate' -%}
    {%- set has_marks = adapter.get_relation(none, schema, 'build_marks') is not none -%}
    {%- set has_log = adapter.get_relation(none, schema, 'person_changes') is not none -%}
    {%- set is_there = load_relation(this) is not none and not flags.FULL_REFRESH -%}
    {%- set reads_log = 'model.globaltaxcalc.person_changes' in model.depends_on.nodes -%}
    {%- set query -%}
        with
        (select groupArray(load_id) from {{ raw_database() }}.load_log final where status = 'done') as loads_now,
        {% if has_log %}
        (select tuple(min(changed_at), max(changed_at)) from {{ schema }}.person_changes)
        {% else %}
        tuple(toDateTime64(0, 6, 'UTC'), toDateTime64(0, 6, 'UTC'))
        {% endif %} as log,
        {% if has_marks %}
        (
            select argMax((fingerprint, rows_until, people_until, loads), marked_at)
            from {{ schema }}.build_marks where model = '{{ model.name }}'
        )
        {% else %}
        ('', toDateTime64(0, 3, 'UTC'), toDateTime64(0, 6, 'UTC'), cast([] as Array(UUID)))
        {% endif %} as mark,
        arrayFilter(load -> not has(mark.4, load), loads_now) as loads_added,
        greatest(
            {%- for table in incremental_raw_tables() %}
            (select max(ingested_at) from {{ raw_database() }}.{{ table }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as newest_row,
        {%- for table in incremental_raw_tables() %}
        (
            select (countIf(ingested_at > mark.2 or has(loads_added, load_id)), count())
            from {{ raw_database() }}.{{ table }}
        ){{ ' as counts' if loop.last else ' +' }}
        {%- endfor %}
        select
            toString(
                {{ 1 if is_there else 0 }} and mark.1 = '{{ model_fingerprint() }}' and hasAll(loads_now, mark.4)
                and counts.1 <= counts.2 * {{ var('build_whole_above_share') }}
                {% if reads_log %}and mark.3 >= log.1{% endif %}
            ) as is_valid,
            toString(
                if(
                    newest_row = mark.2 and empty(loads_added),
                    newest_row,
                    mark.2 - toIntervalSecond({{ var('ingest_overlap_seconds') }})
                )
            ) as rows_from,
            toString(newest_row) as rows_until,
            toString(loads_added) as new_loads,
            toString(loads_now) as loads,
            toString(mark.3) as people_from,
            toString(log.2) as people_until
    {%- endset -%}
    {%- set found = run_query(query) -%}
    {%- set answer = {} -%}
    {%- for name in found.column_names -%}
        {%- do answer.update({name: found.rows[0][name] | string}) -%}
    {%- endfor -%}
    {{ return(answer) }}
{%- endmacro -%}

{#- Raw tables whose rows say when they were stored (warehouse/schema/0005_ingested_at.sql.j2). -#}
{%- macro incremental_raw_tables() -%}
    {{ return(['user_events', 'calculator_usage', 'revenue_events', 'experiment_exposures', 'performance_metrics']) }}
{%- endmacro -%}

{#- What decides how the rows of a model look, besides the raw data: its SQL and the variables that it may read. -#}
{%- macro model_fingerprint() -%}
    {%- set choices = [] -%}
    {%- for name in ['datasets', 'as_of_date'] + model.config.get('meta', {}).get('variables', []) -%}
        {%- do choices.append(name ~ '=' ~ var(name)) -%}
    {%- endfor -%}
    {{ return(local_md5(model.raw_code ~ '|' ~ dataset_name() ~ '|' ~ choices | join('|'))) }}
{%- endmacro -%}
