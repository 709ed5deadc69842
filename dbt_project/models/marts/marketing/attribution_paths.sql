{{ config(materialized='view') }}

select
    -- strings
    cast(conversion_kind as String) as conversion_kind,
    cast(path as String) as path,
    cast(channel_set as String) as channel_set,
    -- numbers
    cast(touches as UInt64) as touches,
    cast(paths as UInt64) as paths,
    cast(conversions as UInt64) as conversions,
    cast(null_paths as UInt64) as null_paths,
    cast(open_paths as UInt64) as open_paths,
    cast(conversion_value as Decimal(38, 12)) as conversion_value,
    -- booleans
    cast(month not in ({{ finished_months() }}) as Bool) as is_partial,
    -- dates
    cast(month as Date) as month
from {{ ref('path_counts') }}
