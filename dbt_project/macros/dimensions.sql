{#- What key figures are drilled by: the whole, and the dimensions. -#}
{%- macro kpi_dimensions() -%}
    {{ return(['all', 'country', 'channel', 'plan', 'device_type']) }}
{%- endmacro -%}

{#- What figures of requests are drilled by. A request names the country that it came from, and neither how somebody came
    nor what they pay. -#}
{%- macro request_dimensions() -%}
    {{ return(['all', 'country']) }}
{%- endmacro -%}

{#- The longest stretch of days over which people are counted once: a quarter, or the monthly window if that is
    longer. -#}
{%- macro longest_window_days() -%}
    {{ return([92, var('weekly_window_days') | int, var('monthly_window_days') | int] | max) }}
{%- endmacro -%}
