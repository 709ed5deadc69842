{{ config(order_by='day') }}

with
days as (
    select
        arrayJoin(arrayMap(number -> first_date + number, range(toUInt32(as_of_date - first_date + 1)))) as day,
        first_date,
        complete_until
    from {{ ref('reporting_period') }}
    where as_of_date >= first_date
)

select
    -- booleans
    {{ start_of_reporting_date('day + 1') }} > complete_until as is_partial,
    day - first_date + 1 < {{ var('monthly_window_days') }} as is_monthly_window_partial,
    -- dates
    day
from days
