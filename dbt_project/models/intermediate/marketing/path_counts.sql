{{ config(
    materialized=changing_table(),
    replaces='month',
    changed='changed_path_months',
    order_by='(conversion_kind, month, path)',
    meta={'variables': ['attribution_lookback_days']}
) }}

{# A build of changes computes the months in which other paths stand than before, or in which a look-back has ended. #}
with
period as (
    {{ paths_known_until() }}
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
    {% if only_changes() %}where month in ({{ changed_path_months() }}){% endif %}
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
    {% if only_changes() %}where month in ({{ changed_path_months() }}){% endif %}
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

months as (
    {{ contents_of_path_months() }}
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
    counted.conversion_kind as conversion_kind,
    counted.path as path,
    counted.channel_set as channel_set,
    -- numbers
    counted.touches as touches,
    counted.conversions + counted.nulls + counted.open_paths as paths,
    counted.conversions as conversions,
    counted.nulls as null_paths,
    counted.open_paths as open_paths,
    cast(counted.revenue as Decimal(38, 12)) as conversion_value,
    assumeNotNull(months.content_of_month) as content_of_month,
    -- dates
    counted.month as month
from counted
left join months on counted.month = months.month
