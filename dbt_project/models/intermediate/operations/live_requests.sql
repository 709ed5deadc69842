{{ config(materialized='view') }}

{#- Merges the states of the view that fills itself; a request counts once, however often it was delivered. -#}
select
    -- strings
    route,
    method,
    -- numbers
    latency_ms,
    uniqExactMerge(request_ids) as requests,
    uniqExactMergeIf(request_ids, status_class >= 5) as server_errors,
    uniqExactMergeIf(request_ids, status_class = 4) as client_errors,
    -- timestamps
    minute_at
from {{ ref('stg_live_requests') }}
where minute_at >= {{ live_since() }}
group by route, method, latency_ms, minute_at
