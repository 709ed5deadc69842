{{ config(order_by='(day, measure)') }}

{#- What customers paid, under the country and the plan of the line or order, and under the channel and the device
    with which the customer first came. -#}
with
people as (
    {{ first_touch_of_people() }}
),

lines as (
    select
        customer_id,
        country,
        plan,
        {{ measures({
            'gross_revenue': "coalesce(sumIf(reporting_amount, event_type = 'charge'), 0)",
            'adjustments': "coalesce(sumIf(reporting_amount, event_type = 'adjustment'), 0)",
            'refunds': "-coalesce(sumIf(reporting_amount, event_type = 'refund'), 0)",
            'net_revenue': 'sum(reporting_amount)',
        }) }} as figures,
        revenue_date as day
    from {{ ref('revenue_lines') }}
    group by customer_id, country, plan, day
),

order_days as (
    select
        customer_id,
        country,
        plan,
        {{ measures({'orders': 'count()'}) }} as figures,
        order_date as day
    from {{ ref('orders') }}
    group by customer_id, country, plan, day
),

first_orders as (
    select
        customer_id,
        country,
        plan,
        {{ measures({'conversions': '1'}) }} as figures,
        order_date as day
    from {{ ref('first_orders') }}
),

trial_days as (
    select
        customer_id,
        country,
        plan,
        {{ measures({'trials_started': 'count()', 'trials_converted': "countIf(outcome = 'converted')"}) }} as figures,
        {{ reporting_date('started_at') }} as day
    from {{ ref('trials') }}
    group by customer_id, country, plan, day
),

together as (
    select * from lines
    union all
    select * from order_days
    union all
    select * from first_orders
    union all
    select * from trial_days
),

figures_of_customers as (
    select
        together.country as country,
        coalesce(people.first_channel, '') as channel,
        if(together.plan = '', 'none', together.plan) as plan,
        coalesce(people.first_device_type, '') as device_type,
        arrayJoin(together.figures) as figure,
        together.day as day
    from together
    left join people on together.customer_id = people.person_id
)

select
    -- strings
    toString(country) as country,
    channel,
    toString(plan) as plan,
    device_type,
    figure.1 as measure,
    -- numbers
    sum(figure.2) as amount,
    -- dates
    day
from figures_of_customers
group by country, channel, plan, device_type, measure, day
