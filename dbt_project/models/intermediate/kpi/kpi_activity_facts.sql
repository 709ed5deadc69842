{{ config(order_by='(day, measure)') }}

{#- What active people did, under the values of the day on which they did it. -#}
with
milestones as (
    select
        person_id,
        sign_up_date as day,
        1 as signed_up,
        is_activated as activated,
        0 as converted
    from {{ ref('sign_ups') }}
    union all
    select
        customer_id as person_id,
        order_date as day,
        0 as signed_up,
        false as activated,
        1 as converted
    from {{ ref('first_orders') }}
),

first_days as (
    select
        days.country as country,
        days.channel as channel,
        {{ plan_on_day('plans', 'days.active_date') }} as plan,
        days.device_type as device_type,
        {{ measures({'new_users': 'count()'}) }} as figures,
        days.active_date as day
    from {{ ref('user_day_values') }} as days
    left join {{ ref('customer_plans') }} as plans on days.person_id = plans.customer_id
    where days.is_first
    group by country, channel, plan, device_type, day
),

milestone_days as (
    select
        days.country as country,
        days.channel as channel,
        {{ plan_on_day('plans', 'days.active_date') }} as plan,
        days.device_type as device_type,
        {{ measures({
            'sign_ups': 'sum(milestones.signed_up)',
            'activated_sign_ups': 'countIf(milestones.activated)',
            'active_conversions': 'sum(milestones.converted)',
        }) }} as figures,
        days.active_date as day
    from {{ ref('user_day_values') }} as days
    inner join milestones on days.person_id = milestones.person_id and days.active_date = milestones.day
    left join {{ ref('customer_plans') }} as plans on days.person_id = plans.customer_id
    group by country, channel, plan, device_type, day
),

visits as (
    select
        sessions.country as country,
        coalesce(sessions.channel, '') as channel,
        {{ plan_on_day('plans', 'sessions.session_date') }} as plan,
        sessions.device_type as device_type,
        {{ measures({'sessions': 'count()', 'bounced_sessions': 'countIf(sessions.is_bounce)'}) }} as figures,
        sessions.session_date as day
    from {{ ref('person_sessions') }} as sessions
    left join {{ ref('customer_plans') }} as plans on sessions.person_id = plans.customer_id
    group by country, channel, plan, device_type, day
),

together as (
    select * from first_days
    union all
    select * from milestone_days
    union all
    select * from visits
),

unfolded as (
    select
        *,
        arrayJoin(figures) as figure
    from together
)

select
    -- strings
    toString(country) as country,
    toString(channel) as channel,
    toString(plan) as plan,
    toString(device_type) as device_type,
    figure.1 as measure,
    -- numbers
    figure.2 as amount,
    -- dates
    day
from unfolded
