with
newest_rejects as (
    select * from {{ source('raw', 'load_rejects') }}
    order by rejected_at desc, reason asc
    limit 1 by load_id, target_table, line_number, column_name, raw_row
)

select
    -- ids
    load_id,
    -- strings
    target_table,
    column_name,
    reason,
    raw_row,
    -- numbers
    line_number,
    -- timestamps
    rejected_at
from newest_rejects
