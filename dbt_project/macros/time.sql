{#- The day of a moment in the reporting time zone. Days are cut here and nowhere else. -#}
{%- macro reporting_date(moment) -%}
    toDate({{ moment }}, '{{ dataset_setting("time_zone") }}')
{%- endmacro -%}

{#- The moment at which a day of the reporting time zone begins. -#}
{%- macro start_of_reporting_date(day) -%}
    toDateTime64({{ day }}, 3, '{{ dataset_setting("time_zone") }}')
{%- endmacro -%}
