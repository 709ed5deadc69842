-- Fails for every kind whose paths do not hold its conversions, its revenue, and each path that did not convert, once.
with
converted as (
    select
        conversion_kind,
        sum(conversions) as conversions,
        sum(revenue) as revenue
    from {{ ref('conversions') }}
    group by conversion_kind
),

unconverted as (
    select
        conversion_kind,
        count() as unconverted_paths
    from {{ ref('unconverted_paths') }}
    group by conversion_kind
),

counted as (
    select
        conversion_kind,
        sum(conversions) as conversions,
        sum(conversion_value) as revenue,
        sum(null_paths + open_paths) as unconverted_paths
    from {{ ref('attribution_paths') }}
    group by conversion_kind
)

select counted.conversion_kind as conversion_kind
from counted
left join converted on counted.conversion_kind = converted.conversion_kind
left join unconverted on counted.conversion_kind = unconverted.conversion_kind
where
    counted.conversions != coalesce(converted.conversions, 0)
    or counted.revenue != coalesce(converted.revenue, 0)
    or counted.unconverted_paths != coalesce(unconverted.unconverted_paths, 0)
