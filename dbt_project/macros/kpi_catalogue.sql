{#- The metric catalogue kpi_metrics.yml as rows of SQL, so that no fact is typed twice: tuples of name, label,
    unit, good direction, rule over a period, drill, open window, look-back days, figure above, figure below, what
    is counted, how many of it are enough, and whether the figure above is money. While dbt only parses, there is
    one empty row. -#}
{%- macro kpi_catalogue() -%}
    {%- set metrics = (graph.metrics.values() | selectattr('config.meta.over_period') | sort(attribute='name') | list)
        if execute else [] -%}
    {%- set columns = {} -%}
    {%- for metric in metrics -%}{%- do columns.update({metric.name: metric.config.meta.column}) -%}{%- endfor -%}
    {%- set money = metrics | selectattr('config.meta.unit', 'equalto', 'reporting_currency')
        | map(attribute='config.meta.column') | list -%}
    {%- set look_backs = {none: 0, 'opening_balance': (var('monthly_window_days') | int) + 1} -%}
    {%- set rows = [] -%}
    {%- for metric in metrics -%}
        {%- set meta = metric.config.meta -%}
        {%- set params = metric.type_params -%}
        {%- set above = columns[params.numerator.name if params.numerator else metric.name] -%}
        {%- set below = columns[params.denominator.name] if params.denominator else '' -%}
        {%- do rows.append(
            "('" ~ [
                meta.name_over_period or meta.column, meta.label_over_period or metric.label, meta.unit, meta.good_direction, meta.over_period,
                meta.drill, meta.open_window or '', above, below, meta.minimum_count.of
            ] | join("', '") ~ "', " ~ [
                look_backs[meta.look_back] if meta.look_back in look_backs else var(meta.look_back),
                meta.minimum_count.count,
                'true' if above in money else 'false'
            ] | join(', ') ~ ')'
        ) -%}
    {%- endfor -%}
    [
        {{ rows | join(',\n        ') or "('', '', '', '', '', '', '', '', '', '', 0, 0, false)" }}
    ]
{%- endmacro -%}
