{#- The plan of a row of customer_plans, joined to a person, at the end of a day; `none` without a subscription. -#}
{%- macro plan_on_day(plans, day) -%}
    coalesce(
        nullIf(
            arrayLast((plan, change_day) -> change_day <= {{ day }}, {{ plans }}.plans, {{ plans }}.change_days), ''
        ), 'none'
    )
{%- endmacro -%}
