{{ config(order_by='(booking, month, step_number)') }}

{#- The way from the opening balance to the closing one: each step with what it adds. #}
{%- set steps = [
    ('opening', 'mrr_start'),
    ('exchange_effect', 'exchange_effect'),
    ('new', 'new_mrr'),
    ('reactivation', 'reactivation_mrr'),
    ('expansion', 'expansion_mrr'),
    ('contraction', '-contraction_mrr'),
    ('churn', '-churn_mrr'),
] %}

with
movements as (
    select
        booking,
        reporting_currency,
        is_partial,
        month as movement_month,
        arrayJoin(
            [
                {%- for step, added in steps %}
                ({{ loop.index }}, '{{ step }}', toDecimal128({{ added }}, 12)){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as step_taken
    from {{ ref('mrr_movements_total') }}
)

select
    -- strings
    cast(booking as String) as booking,
    cast(reporting_currency as String) as reporting_currency,
    cast(step_taken.2 as String) as step,
    -- numbers
    cast(step_taken.1 as UInt8) as step_number,
    -- money in the reporting currency, exact
    cast(step_taken.3 as Decimal(38, 12)) as mrr_change,
    -- booleans
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(movement_month as Date) as month
from movements
