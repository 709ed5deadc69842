{#- True for rows of days up to the as-of date, see models/intermediate/reporting_period.sql. -#}
{%- macro until_as_of_date(event_date) -%}
    {{ event_date }} <= (select reporting_period.as_of_date from {{ ref('reporting_period') }} as reporting_period)
{%- endmacro -%}
