{#- Revenue of a period per revenue of the first one, from whole cents; NULL where the first period earned nothing to
    keep. -#}
{%- macro revenue_retention(revenue, first_revenue) -%}
    if({{ first_revenue }} > 0, toInt64({{ revenue }} * 100) / nullIf(toInt64({{ first_revenue }} * 100), 0), null)
{%- endmacro -%}
