with
changes as (
    select day, 1 as dau, 1 as wau, 1 as mau from {{ ref('person_days') }}
    union all
    select least(day + {{ var('weekly_window_days') }}, coalesce(next_day, date '9999-12-31')), 0, -1, 0
    from {{ ref('person_days') }}
    union all
    select least(day + {{ var('monthly_window_days') }}, coalesce(next_day, date '9999-12-31')), 0, 0, -1
    from {{ ref('person_days') }}
),

activity as (
    select
        day,
        sum(dau) as dau,
        sum(wau) as wau_change,
        sum(mau) as mau_change
    from changes
    group by day
),

visits as (
    select
        event_date as day,
        count(*) as sessions
    from (
        select
            event_date,
            event_at - lag(event_at) over (partition by person_id order by event_at) as pause
        from {{ ref('person_events') }}
    )
    where pause is null or pause > interval '{{ var("session_gap_minutes") }} minutes'
    group by day
),

sign_ups as (
    select
        day,
        count(*) as sign_ups
    from (select min(day) as day from {{ ref('person_days') }} where has_signed_up group by person_id)
    group by day
),

orders as (
    select
        order_date as day,
        count(*) as orders
    from {{ ref('orders') }}
    group by day
),

revenue as (
    select
        event_date as day,
        round(sum(reporting_amount) filter (event_type = 'charge'), 2)::decimal(18, 2) as gross_revenue,
        round(sum(reporting_amount), 2)::decimal(18, 2) as net_revenue
    from {{ ref('revenue_lines') }}
    group by day
)

select
    days.day as kpi_date,
    coalesce(activity.dau, 0)::bigint as dau,
    sum(coalesce(activity.wau_change, 0)) over (order by days.day)::bigint as wau,
    sum(coalesce(activity.mau_change, 0)) over (order by days.day)::bigint as mau,
    coalesce(visits.sessions, 0) as sessions,
    coalesce(sign_ups.sign_ups, 0) as sign_ups,
    coalesce(orders.orders, 0) as orders,
    coalesce(revenue.gross_revenue, 0)::decimal(18, 2) as gross_revenue,
    coalesce(revenue.net_revenue, 0)::decimal(18, 2) as net_revenue
from {{ ref('days') }} as days
left join activity on days.day = activity.day
left join visits on days.day = visits.day
left join sign_ups on days.day = sign_ups.day
left join orders on days.day = orders.day
left join revenue on days.day = revenue.day
