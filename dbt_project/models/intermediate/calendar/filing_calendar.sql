{{ config(order_by='(country, day)') }}

with
seasons as (
    select
        country,
        form,
        is_main,
        due_date,
        due_date - {{ var('season_days_before_deadline') }} as opens_on,
        due_date + {{ var('season_days_after_deadline') }} as closes_on
    from {{ ref('deadlines') }}
),

days as (
    select day from {{ ref('reporting_days') }}
),

measured as (
    select
        seasons.country as country,
        days.day as day,
        maxIf(toNullable(seasons.due_date), seasons.is_main and seasons.due_date <= days.day) as last_due_date,
        minIf(toNullable(seasons.due_date), seasons.is_main and seasons.due_date >= days.day) as next_due_date,
        max(seasons.is_main and days.day between seasons.opens_on and seasons.closes_on) as is_in_season,
        argMin(
            seasons.form,
            (
                days.day not between seasons.opens_on and seasons.closes_on,
                not seasons.is_main,
                abs(seasons.due_date - days.day),
                seasons.form
            )
        ) as own_form
    from seasons
    cross join days
    group by country, day
),

returns as (
    select
        measured.country as country,
        measured.day as day,
        min(toNullable(seasons.closes_on)) as returns_until
    from measured
    inner join seasons on measured.country = seasons.country and measured.own_form = seasons.form
    where seasons.opens_on > measured.day
    group by country, day
)

select
    -- strings
    measured.country as country,
    measured.own_form as form,
    -- booleans
    measured.is_in_season as is_in_season,
    -- dates
    measured.day as day,
    measured.last_due_date as last_due_date,
    measured.next_due_date as next_due_date,
    returns.returns_until as returns_until
from measured
left join returns on measured.country = returns.country and measured.day = returns.day
