{#- CTE body: what one unit of each other currency is worth in the reporting currency, from which day on. -#}
{%- macro rates_into_reporting_currency() -%}
    select
        currency,
        valid_from,
        rate
    from {{ ref('reporting_rates') }}
{%- endmacro -%}

{#- CTE body: from which day on each other currency has a rate into the reporting currency. -#}
{%- macro first_rated_dates() -%}
    select
        currency,
        min(valid_from) as first_rated_date
    from {{ ref('reporting_rates') }}
    group by currency
{%- endmacro -%}

{#- The rate of a row joined with the CTE above, 1 for the reporting currency itself, NULL where a rate is missing. Given the
    row's money, nothing needs no rate: a trial or a free plan often names no currency. -#}
{%- macro rate_of(currency, joined_rate, money=none) -%}
    multiIf(
        {{ currency }} = '{{ dataset_setting("reporting_currency") }}', 1,
        {%- if money %}
        {{ money }} = 0, coalesce({{ joined_rate }}, 1),
        {%- endif %}
        {{ joined_rate }}
    )
{%- endmacro -%}
