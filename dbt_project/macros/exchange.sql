{#- CTE body: what one unit of each other currency is worth in the reporting currency, from which day on. -#}
{%- macro rates_into_reporting_currency() -%}
    select
        currency,
        valid_from,
        rate
    from {{ ref('reporting_rates') }}
{%- endmacro -%}

{#- The rate of a row joined with the CTE above, 1 for the reporting currency itself, NULL where a rate is missing. -#}
{%- macro rate_of(currency, joined_rate) -%}
    if({{ currency }} = '{{ dataset_setting("reporting_currency") }}', 1, {{ joined_rate }})
{%- endmacro -%}
