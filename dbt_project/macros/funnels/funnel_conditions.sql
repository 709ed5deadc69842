{#- SQL that is true for the events of a step or an exclusion. -#}
{%- macro funnel_condition(part) -%}
    {%- set tests = [] -%}
    {%- for column, wanted in part.where.items() -%}
        {%- set subject = funnel_column(part.source, column) -%}
        {%- if wanted is mapping -%}
            {%- for comparison, value in wanted.items() -%}
                {%- if comparison == 'matches' -%}
                    {%- do tests.append('match(' ~ subject ~ ', ' ~ funnel_text(value) ~ ')') -%}
                {%- else -%}
                    {%- do tests.append(subject ~ ' not in (' ~ funnel_texts(value) ~ ')') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- else -%}
            {%- set values = funnel_values(wanted) -%}
            {%- do tests.append(subject ~ (' = ' ~ funnel_text(values[0]) if values | length == 1 else ' in (' ~ funnel_texts(wanted) ~ ')')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('(' ~ tests | join(' and ') ~ ')') }}
{%- endmacro -%}

{#- A column of a source; what is no column of it is looked for among its properties. -#}
{%- macro funnel_column(source, column) -%}
    {%- if column in funnel_words().source[source] -%}{{ return(column) }}{%- endif -%}
    {{ return('properties[' ~ funnel_text(column | replace('properties.', '', 1)) ~ ']') }}
{%- endmacro -%}

{%- macro funnel_text(value) -%}
    {{ return("'" ~ value | string | replace('\\', '\\\\') | replace("'", "\\'") ~ "'") }}
{%- endmacro -%}

{%- macro funnel_texts(wanted) -%}
    {%- set texts = [] -%}
    {%- for value in funnel_values(wanted) -%}{%- do texts.append(funnel_text(value)) -%}{%- endfor -%}
    {{ return(texts | join(', ')) }}
{%- endmacro -%}
