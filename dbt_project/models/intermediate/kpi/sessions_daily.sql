{{ config(order_by='day') }}

select
    -- numbers
    count() as sessions,
    countIf(is_bounce) as bounced_sessions,
    -- dates
    session_date as day
from {{ ref('person_sessions') }}
group by day
