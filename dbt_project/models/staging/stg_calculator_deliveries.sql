select
    -- ids
    event_id,
    calculation_id,
    user_id,
    anonymous_id,
    -- strings
    calculator,
    action,
    step_name,
    error_code,
    country,
    platform,
    device_type,
    -- numbers
    step_number,
    duration_ms,
    tax_year,
    row_version,
    -- dates
    {{ reporting_date(happened_at('deliveries')) }} as event_date,
    -- timestamps
    {{ happened_at('deliveries') }} as event_at
from {{ source('raw', 'calculator_usage') }} as deliveries
