{{ config(order_by='day') }}

{#- A window that opens on a day is closed for everybody when it has passed, counted from the end of that day,
    within what the data shows: up to the end of the as-of date, and as far as anything was received. -#}
with
observed as (
    select
        least({{ start_of_reporting_date('as_of_date + 1') }}, complete_until) as observed_until
    from {{ ref('reporting_period') }}
)

select
    -- booleans
    days.is_partial as is_partial,
    toTimeZone({{ start_of_reporting_date('days.day + 1') }}, 'UTC') + toIntervalDay({{ var('activation_days') }})
    <= observed.observed_until as is_activation_mature,
    toTimeZone({{ start_of_reporting_date('days.day + 1') }}, 'UTC') + toIntervalDay({{ var('trial_days') }})
    <= observed.observed_until as is_trial_mature,
    -- dates
    days.day as day
from {{ ref('reporting_days') }} as days
cross join observed
