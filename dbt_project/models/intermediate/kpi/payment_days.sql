{{ config(order_by='(customer_id, day)') }}

with
days as (
    select
        customer_id,
        revenue_date as day,
        argMax((country, plan), (event_at, event_id)) as newest_charge
    from {{ ref('revenue_lines') }}
    where event_type = 'charge' and customer_id != ''
    group by customer_id, day
),

people as (
    {{ first_touch_of_people() }}
)

select
    -- ids
    days.customer_id as customer_id,
    -- strings
    days.newest_charge.1 as country,
    coalesce(people.first_channel, '') as channel,
    if(days.newest_charge.2 = '', 'none', days.newest_charge.2) as plan,
    coalesce(people.first_device_type, '') as device_type,
    -- numbers
    toUInt16(
        least(
            coalesce(
                lead(toNullable(days.day)) over (partition by days.customer_id order by days.day asc) - days.day,
                {{ longest_window_days() }}
            ),
            {{ longest_window_days() }}
        )
    ) as days_to_next,
    -- dates
    days.day as day
from days
left join people on days.customer_id = people.person_id
