{#- What decides the rows of models besides events, named under `decided_by`: they are built whole when it changes. -#}

{#- The cut-offs that are over. -#}
{%- macro cutoffs_that_are_over() -%}
    {{ return(answer_of(
        "select arrayStringConcat(arraySort(groupArray(concat(toString(cutoff_date), if(is_partial, ' partial', '')))), ' ') as answer from "
        ~ ref('feature_cutoffs') ~ " where not is_as_of"
    )) }}
{%- endmacro -%}

{#- The months that are over. -#}
{%- macro months_that_are_over() -%}
    {{ return(answer_of(
        "select arrayStringConcat(arraySort(groupArray(toString(month))), ' ') as answer from "
        ~ ref('reporting_months') ~ " where not is_partial"
    )) }}
{%- endmacro -%}

{#- The newest names of calculators' steps. -#}
{%- macro names_of_steps() -%}
    {{ return(contents_of(ref('calculator_step_names'))) }}
{%- endmacro -%}

{%- macro contents_of(relation) -%}
    {{ return(answer_of('select toString(sum(cityHash64(toString(tuple(*))))) as answer from ' ~ relation)) }}
{%- endmacro -%}

{#- The one text that a query answers, for macros named under `decided_by`. -#}
{%- macro answer_of(query) -%}
    {{ return(run_query(query).rows[0]['answer'] | string) }}
{%- endmacro -%}
