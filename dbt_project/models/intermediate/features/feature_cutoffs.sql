{{ config(order_by='cutoff_date') }}

with
days as (
    select
        *,
        max(day) over () as as_of_date
    from {{ ref('reporting_days') }}
)

select
    -- booleans
    day = as_of_date as is_as_of,
    is_partial,
    -- dates
    day as cutoff_date
from days
where
    day = as_of_date
    {% if var('feature_cutoffs') %}
    or has({{ var('feature_cutoffs') }}, toString(day))
    {% else %}
    or day = toLastDayOfMonth(day)
    {% endif %}
