{{ config(order_by='(conversion_kind, month, path)') }}

with
period as (
    select least(complete_until, {{ start_of_reporting_date('as_of_date + 1') }}) as known_until
    from {{ ref('reporting_period') }}
),

converting as (
    select
        conversion_kind,
        toStartOfMonth(conversion_date) as month,
        {{ path_of_channels('path.channel') }} as path,
        {{ set_of_channels('path.channel') }} as channel_set,
        length(path.channel) as touches,
        conversions,
        revenue,
        0 as nulls,
        0 as open_paths
    from {{ ref('conversion_paths') }}
),

unconverted as (
    select
        unconverted_paths.conversion_kind as conversion_kind,
        toStartOfMonth({{ reporting_date('unconverted_paths.last_touched_at') }}) as month,
        unconverted_paths.path as path,
        unconverted_paths.channel_set as channel_set,
        unconverted_paths.touches as touches,
        unconverted_paths.last_touched_at + toIntervalDay({{ var('attribution_lookback_days') }})
        < period.known_until as is_mature
    from {{ ref('unconverted_paths') }} as unconverted_paths
    cross join period
),

all_paths as (
    select * from converting
    union all
    select
        conversion_kind,
        month,
        path,
        channel_set,
        touches,
        0 as conversions,
        0 as revenue,
        is_mature as nulls,
        not is_mature as open_paths
    from unconverted
),

counted as (
    select
        conversion_kind,
        month,
        path,
        any(channel_set) as channel_set,
        any(touches) as touches,
        sum(conversions) as conversions,
        sum(revenue) as revenue,
        sum(nulls) as nulls,
        sum(open_paths) as open_paths
    from all_paths
    group by conversion_kind, month, path
)

select
    -- strings
    cast(conversion_kind as String) as conversion_kind,
    cast(path as String) as path,
    cast(channel_set as String) as channel_set,
    -- numbers
    cast(touches as UInt64) as touches,
    cast(conversions + nulls + open_paths as UInt64) as paths,
    cast(conversions as UInt64) as conversions,
    cast(nulls as UInt64) as null_paths,
    cast(open_paths as UInt64) as open_paths,
    cast(revenue as Decimal(38, 12)) as conversion_value,
    -- dates
    cast(month as Date) as month
from counted
