{{ config(
    engine='AggregatingMergeTree()',
    order_by='(minute_at, route, method, status_class, latency_ms)',
    partition_by='toYYYYMM(minute_at)',
    ttl='minute_at + toIntervalDay(' ~ var('live_days') ~ ')'
) }}

{#- Runs inside every insert into raw and sees that insert alone. So all it may do is collect states that merge: the
    different ids per minute, latency and class of status. An id that arrives again changes nothing; whoever reads
    groups again, and merges. States of single requests are dear, 2.5 microseconds each: what is no longer live is
    not collected, and goes. -#}
select
    -- strings
    route,
    method,
    -- numbers
    toUInt8(intDiv(status_code, 100)) as status_class,
    {{ latency_ms('duration_ms') }} as latency_ms,
    -- states
    uniqExactState(event_id) as request_ids,
    -- timestamps
    toStartOfMinute({{ happened_at('requests') }}) as minute_at
from {{ source('raw', 'performance_metrics') }} as requests
where {{ happened_at('requests') }} >= {{ live_since() }}
group by route, method, status_class, latency_ms, minute_at
