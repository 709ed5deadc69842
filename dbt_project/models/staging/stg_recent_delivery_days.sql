with
figures as (
    {% for table, columns in quality_sources().items() %}
    {{ delivery_figures(table, columns[0], columns[1], recent_only=true) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    -- strings
    source_table,
    -- numbers
    events,
    deliveries,
    late_events,
    wrong_clock_events,
    if(empty(delays_ms), null, delays_ms[intDiv(length(delays_ms) * 50 + 99, 100)]) as p50_delay_ms,
    if(empty(delays_ms), null, delays_ms[intDiv(length(delays_ms) * 99 + 99, 100)]) as p99_delay_ms,
    -- lists
    empty_columns,
    -- dates
    event_date,
    -- timestamps
    newest_received_at
from figures
where event_date > {{ first_recent_day() }}
