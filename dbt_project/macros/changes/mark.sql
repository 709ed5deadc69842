{#- What a model of the materialization `changed_rows` has absorbed, and whether it may add only what changed since
    (docs/decisions/060-only-what-changed.md). -#}

{#- The table of marks, written by the materialization after the rows of a model. -#}
{%- macro marks_table() -%}
    {{ return(target.schema ~ '_intermediate.build_marks') }}
{%- endmacro -%}

{#- Whether this run may keep the model's rows and add what changed. Asked while the SQL is compiled, so never in a unit
    test, and not on a cluster, where these models are plain tables. -#}
{%- macro only_changes() -%}
    {{ return(execute and model.config.materialized == 'changed_rows' and build_mark()['is_valid'] == '1') }}
{%- endmacro -%}

{#- A dictionary of texts, read in one query and only once a run:
      is_valid                   the rows that stand there may be kept
      <log>_from, <log>_until    entries of a log (event_changes, person_changes) are new after the one and up to the other
    and for the log event_changes itself
      rows_from, rows_until      rows of raw are new when they were stored after the one and up to the other,
      rows_seen                  up to here every row of raw can be seen: the next build begins there
      new_loads                  or belong to one of these loads, which were not complete before
      loads                      all complete loads
    Rows are not kept when the model is new, when it was built by other SQL or with other variables, or when a log that it
    reads has begun again since. -#}
{%- macro build_mark() -%}
    {%- if '_build_mark' not in model -%}
        {%- do model.update({'_build_mark': _read_build_mark()}) -%}
    {%- endif -%}
    {{ return(model['_build_mark']) }}
{%- endmacro -%}

{%- macro change_logs() -%}
    {{ return(['event_changes', 'person_changes']) }}
{%- endmacro -%}

{%- macro _read_build_mark() -%}
    {%- set schema = target.schema ~ '_intermediate' -%}
    {%- set has_marks = adapter.get_relation(none, schema, 'build_marks') is not none -%}
    {%- set is_there = has_marks and load_relation(this) is not none and not flags.FULL_REFRESH -%}
    {%- set query -%}
        with
        {% for log in change_logs() %}
        {% if adapter.get_relation(none, schema, log) is not none %}
        (select tuple(min(changed_at), max(changed_at)) from {{ schema }}.{{ log }})
        {% else %}
        tuple(toDateTime64(0, 6, 'UTC'), toDateTime64(0, 6, 'UTC'))
        {% endif %} as {{ log }},
        {% endfor %}
        {% if has_marks %}
        (
            select argMax((fingerprint, event_changes_until, person_changes_until, rows_until, loads), marked_at)
            from {{ schema }}.build_marks where model = '{{ model.name }}'
        )
        {% else %}
        ('', toDateTime64(0, 6, 'UTC'), toDateTime64(0, 6, 'UTC'), toDateTime64(0, 3, 'UTC'), cast([] as Array(UUID)))
        {% endif %} as mark
        {%- if model.name == 'event_changes' %},{{ _what_is_new_in_raw() }}{% endif %}
        select
            toString(
                {{ 1 if is_there else 0 }} and mark.1 = '{{ model_fingerprint() }}'
                {%- for log in change_logs() if 'model.globaltaxcalc.' ~ log in model.depends_on.nodes %}
                and mark.{{ change_logs().index(log) + 2 }} >= {{ log }}.1
                {%- endfor %}
                {%- if model.name == 'event_changes' %}
                and hasAll(loads_now, mark.5) and counts.1 <= counts.2 * {{ var('build_whole_above_share') }}
                {%- endif %}
            ) as is_valid,
            {%- for log in change_logs() %}
            toString(mark.{{ loop.index + 1 }}) as {{ log }}_from,
            toString({{ log }}.2) as {{ log }}_until{{ ',' if not loop.last }}
            {%- endfor %}
            {%- if model.name == 'event_changes' %},
            toString(mark.4) as rows_from,
            toString(newest_row) as rows_until,
            toString(least(newest_row, now64(3) - toIntervalSecond({{ var('ingest_overlap_seconds') }}))) as rows_seen,
            toString(loads_added) as new_loads,
            toString(loads_now) as loads
            {%- endif %}
    {%- endset -%}
    {%- set found = run_query(query) -%}
    {%- set answer = {} -%}
    {%- for name in found.column_names -%}
        {%- do answer.update({name: found.rows[0][name] | string}) -%}
    {%- endfor -%}
    {{ return(answer) }}
{%- endmacro -%}

{#- Clauses of the query above that look at raw: loads, the newest row, and how many rows are new of how many. -#}
{%- macro _what_is_new_in_raw() %}
    (select groupArray(load_id) from {{ raw_database() }}.load_log final where status = 'done') as loads_now,
    arrayFilter(load -> not has(mark.5, load), loads_now) as loads_added,
    greatest(
        {%- for table in incremental_raw_tables() %}
        (select max(ingested_at) from {{ raw_database() }}.{{ table }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as newest_row,
    {%- for table in incremental_raw_tables() %}
    (
        select (countIf(ingested_at > mark.4 or has(loads_added, load_id)), count())
        from {{ raw_database() }}.{{ table }}
    ){{ ' as counts' if loop.last else ' +' }}
    {%- endfor %}
{% endmacro -%}

{#- Raw tables whose rows say when they were stored (warehouse/schema/0005_ingested_at.sql.j2). -#}
{%- macro incremental_raw_tables() -%}
    {{ return(['user_events', 'calculator_usage', 'revenue_events', 'experiment_exposures', 'performance_metrics']) }}
{%- endmacro -%}

{#- What decides how the rows of a model look, besides the raw data: its SQL and that of all models and seeds that it is built
    from, the variables that they may read, and what the macros named under `decided_by` answer. -#}
{%- macro model_fingerprint() -%}
    {%- set origins = [model.unique_id] -%}
    {%- do add_origins(model.unique_id, origins) -%}
    {%- set variables = ['datasets', 'as_of_date'] -%}
    {%- set choices = [] -%}
    {%- for name in origins | sort -%}
        {%- set node = graph.nodes[name] -%}
        {%- do choices.append(node.checksum.checksum) -%}
        {%- do variables.extend(node.config.get('meta', {}).get('variables', [])) -%}
        {%- for macro in node.config.get('meta', {}).get('decided_by', []) -%}
            {%- do choices.append(macro ~ '=' ~ tojson(context[macro]())) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name in variables | unique | sort -%}
        {%- do choices.append(name ~ '=' ~ var(name)) -%}
    {%- endfor -%}
    {{ return(local_md5(dataset_name() ~ '|' ~ choices | join('|'))) }}
{%- endmacro -%}

{#- Put the models and seeds that a model is built from, near and far, into `found`. -#}
{%- macro add_origins(unique_id, found) -%}
    {%- for name in graph.nodes[unique_id].depends_on.nodes if name in graph.nodes and name not in found -%}
        {%- do found.append(name) -%}
        {%- do add_origins(name, found) -%}
    {%- endfor -%}
{%- endmacro -%}
