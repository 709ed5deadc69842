with
{{ each_event_once(source('raw', 'calculator_usage')) }}

select
    -- ids
    event_id,
    calculation_id,
    user_id,
    anonymous_id,
    session_id,
    load_id,
    -- strings
    calculator,
    action,
    step_name,
    error_code,
    country,
    platform,
    device_type,
    source,
    -- numbers
    step_number,
    duration_ms,
    tax_year,
    -- dates
    {{ reporting_date(happened_at('deduplicated')) }} as event_date,
    -- timestamps
    {{ happened_at('deduplicated') }} as event_at,
    received_at
from deduplicated
