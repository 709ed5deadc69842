{{ config(order_by='(funnel, step)') }}
{% set numbers = 'UInt8, UInt8, Int64, Nullable(Decimal(18, 2)), Array(String), Bool' %}
{% set line_type = 'Array(Tuple(' ~ 'String, ' * 7 ~ numbers ~ '))' %}

with
declared as (
    select
        arrayJoin(
            [
                {%- for plan in funnel_plans() %}
                {%- set last_plan = loop.last %}
                {%- for step in plan.steps %}
                (
                    {{ funnel_text(plan.name) }}, {{ funnel_text(plan.title) }},
                    {{ funnel_text(plan.description) }}, '{{ plan.order }}', '{{ plan.reentry }}',
                    {{ funnel_text(step.name) }}, {{ funnel_text(step.title) }}, {{ step.number }},
                    {{ plan.steps | length }}, {{ plan.window }},
                    {{ 'null' if plan.value is none else "'" ~ plan.value ~ "'" }},
                    [
                        {%- for breakdown in plan.breakdowns if breakdown.known_at >= [step.number, 2] | max %}
                        {{ funnel_text(breakdown.name) }}{{ ',' if not loop.last }}
                        {%- endfor %}
                    ],
                    {{ step.optional | lower }}
                ){{ ',' if not (loop.last and last_plan) }}
                {%- endfor %}
                {%- endfor %}
            ]
            ::{{ line_type }}
        ) as line
)

select
    -- strings
    line.1 as funnel,
    line.2 as funnel_title,
    line.3 as funnel_description,
    line.4 as order_mode,
    line.5 as reentry,
    line.6 as step_name,
    line.7 as step_title,
    -- numbers
    line.8 as step,
    line.9 as steps,
    line.10 as window_ms,
    line.11 as declared_value,
    line.12 as late_breakdowns,
    -- booleans
    line.13 as is_optional
from declared
