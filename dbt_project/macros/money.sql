{#- Exact money rounded to the cent, half away from zero. Sums are rounded once, at the end, never line by line. -#}
{%- macro to_cents(exact_money) -%}
    cast(round({{ exact_money }}, 2) as Decimal(18, 2))
{%- endmacro -%}

{#- Money per piece, rounded to the cent; NULL where there are no pieces. The quotient is cut after 12 decimals, which
    cannot move it over the half cent at which rounding turns. `greatest`: the division is computed for all rows. -#}
{%- macro cents_per(exact_money, pieces) -%}
    cast(
        if(
            {{ pieces }} = 0,
            null,
            round(divideDecimal(toDecimal256({{ exact_money }}, 12), toDecimal256(greatest({{ pieces }}, 1), 0), 12), 2)
        ) as Nullable(Decimal(18, 2))
    )
{%- endmacro -%}

{#- Ratio of two sums of money, NULL of nothing. Rounded to four decimals first, both are exact as Float64, so the ratio is
    the same on every engine. -#}
{%- macro money_ratio(part, whole) -%}
    cast(
        toFloat64(round({{ part }}, 4)) / nullIf(toFloat64(round({{ whole }}, 4)), 0) as Nullable(Float64)
    )
{%- endmacro -%}

{#- The order of a line of money: the one that it names, else the line itself. -#}
{%- macro order_key(line='') -%}
    {%- set prefix = line ~ '.' if line else '' -%}
    if({{ prefix }}order_id = '', toString({{ prefix }}event_id), {{ prefix }}order_id)
{%- endmacro -%}
