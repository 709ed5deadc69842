{#- The months from one on which something became true to the month before it changed, or to the last month of the data.
    `last_month` is the month of the as-of date. -#}
{%- macro months_until_next(month, next_month, last_month) -%}
    arrayMap(
        number -> addMonths({{ month }}, number),
        range(
            toUInt32(greatest(dateDiff('month', {{ month }}, coalesce({{ next_month }}, addMonths({{ last_month }}, 1))), 0))
        )
    )
{%- endmacro -%}
