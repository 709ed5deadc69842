{{ config(order_by='day') }}

with
first_sign_ups as (
    select
        person_id,
        min(active_date) as day
    from {{ ref('user_days') }}
    where has_signed_up
    group by person_id
)

select
    -- numbers
    count() as sign_ups,
    -- dates
    day
from first_sign_ups
group by day
