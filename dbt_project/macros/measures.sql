{#- An array of pairs of a measure's name and its amount, all of one type, so that unlike figures share a narrow
    table. -#}
{%- macro measures(expressions) -%}
    [
        {%- for name, expression in expressions.items() %}
            ('{{ name }}', toDecimal128({{ expression }}, 12)){{ ',' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro -%}
