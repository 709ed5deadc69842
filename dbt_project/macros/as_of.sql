{#- True for rows of days up to the as-of date, see models/intermediate/calendar/reporting_period.sql. -#}
{%- macro until_as_of_date(event_date) -%}
    {{ event_date }} <= (select reporting_period.as_of_date from {{ ref('reporting_period') }} as reporting_period)
{%- endmacro -%}

{#- True for rows of days up to the variable `as_of_date`, and for all while it is not set. For models that are built for what
    changed: the last day of the data moves on, and rows that stand beyond it must not wait for a change of their own.
    Their readers apply until_as_of_date. -#}
{%- macro until_chosen_date(event_date) -%}
    {%- if var('as_of_date') -%}
    {{ event_date }} <= toDate('{{ var("as_of_date") }}')
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro -%}
