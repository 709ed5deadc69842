with
newest_states as (
    select * from {{ source('raw', 'load_log') }}
    order by logged_at desc, status asc
    limit 1 by load_id
)

select
    -- ids
    load_id,
    -- strings
    target_table,
    source,
    file_name,
    content_hash,
    mapping_hash,
    status,
    details,
    -- numbers
    rows_read,
    rows_loaded,
    rows_rejected,
    -- timestamps
    started_at,
    logged_at
from newest_states
