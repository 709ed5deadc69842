{{ config(order_by='(dimension, dimension_value, day, latency_ms)') }}

{#- Days before the first one of the data have no row in any KPI, so their requests are in no window either. #}
{%- for dimension in request_dimensions() %}
select
    -- strings
    '{{ dimension }}' as dimension,
    {{ "''" if dimension == 'all' else dimension }} as dimension_value,
    -- numbers
    latency_ms,
    sum(requests_by_latency.requests) as requests,
    sum(requests_by_latency.server_errors) as failed_requests,
    -- dates
    request_date as day
from {{ ref('requests_by_latency') }} as requests_by_latency
cross join {{ ref('reporting_period') }} as period
where request_date >= period.first_date and request_date <= period.as_of_date
group by dimension_value, latency_ms, day
{{ 'union all' if not loop.last }}
{%- endfor %}
