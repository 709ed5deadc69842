{{ config(order_by='(funnel, from_step, to_step, bucket)') }}

{#- Pairs: each step and the one before, and the whole way. Only entries whose window is over: of the others only the
    fast ones have arrived. -#}
with
pairs as (
    select
        funnel,
        step as to_step,
        arrayJoin(arrayDistinct([step - 1, 1])) as from_step
    from {{ ref('declared_funnels') }}
    where step > 1 and (step = steps or from_step = step - 1)
),

arrivals as (
    select
        chains.funnel as funnel,
        pairs.from_step as from_step,
        pairs.to_step as to_step,
        chains.step_times[pairs.from_step] as left_at,
        chains.step_times[pairs.to_step] as arrived_at
    from {{ ref('funnel_counted_chains') }} as chains
    inner join pairs on chains.funnel = pairs.funnel
    where chains.is_complete and not chains.is_excluded and chains.furthest_step >= pairs.to_step
),

durations as (
    select
        funnel,
        from_step,
        to_step,
        dateDiff('millisecond', assumeNotNull(left_at), assumeNotNull(arrived_at)) as duration_ms
    from arrivals
    where left_at is not null and arrived_at is not null
),

summarised as (
    select
        funnel,
        from_step,
        to_step,
        count() as users,
        arrayReduce('quantileExactInclusive(0.5)', groupArray(duration_ms)) / 1000 as median_seconds,
        sum(duration_ms) / count() / 1000 as mean_seconds,
        groupArray(duration_ms) as all_durations_ms
    from durations
    group by funnel, from_step, to_step
),

edges as (
    select
        number + 1 as bucket,
        {{ var('funnel_time_edges_seconds') }}[number + 1] as from_seconds,
        nullIf(arrayElement(arrayPushBack({{ var('funnel_time_edges_seconds') }}, 0), number + 2), 0) as to_seconds
    from numbers({{ var('funnel_time_edges_seconds') | length }})
)

select
    -- strings
    cast(summarised.funnel as String) as funnel,
    -- numbers
    cast(summarised.from_step as UInt8) as from_step,
    cast(summarised.to_step as UInt8) as to_step,
    cast(edges.bucket as UInt8) as bucket,
    cast(edges.from_seconds as UInt32) as bucket_from_seconds,
    cast(edges.to_seconds as Nullable(UInt32)) as bucket_to_seconds,
    cast(
        arrayCount(
            duration_ms -> duration_ms >= edges.from_seconds * 1000
            and (edges.to_seconds is null or duration_ms < coalesce(edges.to_seconds, 0) * 1000),
            summarised.all_durations_ms
        ) as UInt64
    ) as bucket_users,
    cast(summarised.users as UInt64) as users,
    cast(summarised.median_seconds as Float64) as median_seconds,
    cast(summarised.mean_seconds as Float64) as mean_seconds
from summarised
cross join edges
