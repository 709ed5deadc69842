{#- Time to the last byte in whole milliseconds, rounded up, so that a request is within a limit of whole milliseconds
    exactly when its rounded time is. What is no time (negative, not a number) counts as 0. -#}
{%- macro latency_ms(duration_ms) -%}
    if({{ duration_ms }} > 0, toUInt32(least(ceil({{ duration_ms }}), 86400000)), 0)
{%- endmacro -%}

{#- The first minute that is live: performance_live goes back so far from this moment. -#}
{%- macro live_since() -%}
    toStartOfMinute(now()) - toIntervalDay({{ var('live_days') }})
{%- endmacro -%}

{#- Figures of requests that are grouped by latency, per group of the caller. A request that fails with a status of 500 or
    more satisfies nobody, however fast it was (Apdex Technical Specification 1.1, application errors). -#}
{%- macro request_figures(rows) -%}
    sum({{ rows }}.requests) as requests,
        sum({{ rows }}.server_errors) as server_errors,
        sum({{ rows }}.client_errors) as client_errors,
        sumIf(
            {{ rows }}.requests - {{ rows }}.server_errors, latency_ms <= {{ var('apdex_threshold_ms') }}
        ) as satisfied_requests,
        sumIf(
            {{ rows }}.requests - {{ rows }}.server_errors,
            latency_ms > {{ var('apdex_threshold_ms') }} and latency_ms <= 4 * {{ var('apdex_threshold_ms') }}
        ) as tolerating_requests,
        {{ summed_histogram('latency_ms', rows ~ '.requests') }} as latencies
{%- endmacro -%}

{#- The columns that every mart about requests shows of these figures, cast for its contract. -#}
{%- macro request_columns() -%}
    cast(requests as UInt64) as requests,
    cast(server_errors as UInt64) as server_errors,
    cast(client_errors as UInt64) as client_errors,
    cast(satisfied_requests as UInt64) as satisfied_requests,
    cast(tolerating_requests as UInt64) as tolerating_requests,
    -- ratios
    cast(server_errors / nullIf(requests, 0) as Nullable(Float64)) as error_rate,
    cast((2 * satisfied_requests + tolerating_requests) / nullIf(2 * requests, 0) as Nullable(Float64)) as apdex,
    -- latency
    cast({{ histogram_quantile('latencies', 50) }} as Nullable(UInt32)) as p50_latency_ms,
    cast({{ histogram_quantile('latencies', 90) }} as Nullable(UInt32)) as p90_latency_ms,
    cast({{ histogram_quantile('latencies', 95) }} as Nullable(UInt32)) as p95_latency_ms,
    cast({{ histogram_quantile('latencies', 99) }} as Nullable(UInt32)) as p99_latency_ms,
    cast(latencies as Map(UInt32, UInt64)) as latency_histogram
{%- endmacro -%}
