{#- Two ways to the same figures: kpi_daily counts the whole, the breakdown adds cells. #}
{%- set figures = [
    'dau', 'wau', 'mau', 'new_users', 'sign_ups', 'sessions', 'bounced_sessions', 'orders', 'paying_users', 'conversions',
    'active_conversions', 'gross_revenue', 'adjustments', 'refunds', 'net_revenue',
] %}
select
    kpi_date,
    {{ figures | join(',\n    ') }}
from {{ ref('kpi_daily') }}
except distinct
select
    kpi_date,
    {{ figures | join(',\n    ') }}
from {{ ref('kpi_breakdown_daily') }}
where dimension = 'all'
