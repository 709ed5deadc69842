{{ config(order_by='(dimension, dimension_value, measure, day, days_to_next)') }}

{#- Whoever is seen on a day and next after g days is on this day the newest sight of that person in every window
    that ends less than g days later. So the distinct people of any window, each under the newest value in it, are a
    sum over these rows: of the days in the window, those whose next day lies behind it. -#}
{%- for dimension in ['all', 'country', 'channel', 'device_type'] %}
select
    -- strings
    '{{ dimension }}' as dimension,
    {{ "''" if dimension == 'all' else 'toString(' ~ dimension ~ ')' }} as dimension_value,
    'dau' as measure,
    -- numbers
    days_to_next,
    count() as people,
    -- dates
    active_date as day
from {{ ref('user_day_values') }}
group by dimension_value, days_to_next, day
union all
{%- endfor %}
{%- for dimension in kpi_dimensions() %}
select
    '{{ dimension }}' as dimension,
    {{ "''" if dimension == 'all' else dimension }} as dimension_value,
    'paying_users' as measure,
    days_to_next,
    count() as people,
    day
from {{ ref('payment_days') }}
group by dimension_value, days_to_next, day
union all
{%- endfor %}
select
    'plan' as dimension,
    {{ plan_on_day('plans', 'days.active_date') }} as dimension_value,
    'dau' as measure,
    days.days_to_next as days_to_next,
    count() as people,
    days.active_date as day
from {{ ref('user_day_values') }} as days
left join {{ ref('customer_plans') }} as plans on days.person_id = plans.customer_id
group by dimension_value, days_to_next, day
