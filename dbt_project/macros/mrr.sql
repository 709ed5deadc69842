{#- Monthly recurring revenue of a price per billing period: a twelfth for years, to four decimals, half away from zero.
    The quotient is cut after 12 decimals, which cannot move it over the half at which rounding turns. -#}
{%- macro monthly_price(plan_price, billing_period) -%}
    cast(
        if(
            {{ billing_period }} = 'year',
            round(divideDecimal(toDecimal128({{ plan_price }}, 12), toDecimal128(12, 0), 12), 4),
            toDecimal128({{ plan_price }}, 12)
        ) as Decimal(18, 4)
    )
{%- endmacro -%}

{#- Whose recurring revenue it is: a customer's; a subscription that names nobody counts as a customer of its own. -#}
{%- macro subscriber_id(spans) -%}
    if({{ spans }}.customer_id = '', concat('subscription:', {{ spans }}.subscription_id), {{ spans }}.customer_id)
{%- endmacro -%}
