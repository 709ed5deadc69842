with
deliveries as (
    {% for table in incremental_raw_tables() %}
    select
        event_id,
        user_id,
        {{ "'' as anonymous_id" if table == 'performance_metrics' else 'anonymous_id' }},
        load_id,
        '{{ table }}' as source_table,
        row_version,
        {{ happened_at('raw_table') }} as event_at,
        received_at,
        ingested_at
    from {{ source('raw', table) }} as raw_table
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    -- ids
    event_id,
    user_id,
    anonymous_id,
    load_id,
    -- strings
    source_table,
    -- numbers
    row_version,
    -- dates
    {{ reporting_date('event_at') }} as event_date,
    -- timestamps
    event_at,
    received_at,
    ingested_at
from deliveries
