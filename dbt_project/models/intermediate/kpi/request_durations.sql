{{ config(order_by='(dimension, dimension_value, day, latency_ms)') }}

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
group by dimension_value, latency_ms, day
{{ 'union all' if not loop.last }}
{%- endfor %}
