{{ config(order_by='(country, tax_year)') }}

with
seasons as (
    select
        country,
        form,
        tax_year,
        due_date,
        due_date - {{ var('season_days_before_deadline') }} as season_start,
        due_date + {{ var('season_days_after_deadline') }} as season_end
    from {{ ref('deadlines') }}
    where is_main
),

bounds as (
    select
        min(day) as first_day,
        max(day) as last_day,
        maxIf(day, not is_partial) as last_finished_day
    from {{ ref('reporting_days') }}
    having count() > 0
),

pairs as (
    select
        this_season.country as country,
        this_season.form as form,
        this_season.tax_year as tax_year,
        this_season.due_date as due_date,
        this_season.season_start as season_start,
        this_season.season_end as season_end,
        next_season.season_start as next_season_start,
        next_season.season_end as next_season_end,
        this_season.season_start < bounds.first_day or this_season.season_end > bounds.last_finished_day
            as is_cohort_partial,
        next_season.season_end <= bounds.last_finished_day and not is_cohort_partial as is_complete
    from seasons as this_season
    cross join bounds
    inner join seasons as next_season
        on this_season.country = next_season.country and this_season.tax_year + 1 = next_season.tax_year
    where this_season.season_start <= bounds.last_day and this_season.season_end >= bounds.first_day
),

active_people as (
    select
        people.first_country as country,
        activity.active_days as active_days
    from {{ ref('user_activity') }} as activity
    inner join {{ ref('people') }} as people on activity.person_id = people.person_id
),

counted as (
    select
        pairs.country as country,
        pairs.tax_year as tax_year,
        count() as cohort_size,
        countIf(
            arrayExists(day -> day between pairs.next_season_start and pairs.next_season_end, active_people.active_days)
        ) as returned
    from active_people
    inner join pairs on active_people.country = pairs.country
    where arrayExists(day -> day between pairs.season_start and pairs.season_end, active_people.active_days)
    group by country, tax_year
)

select
    -- strings
    cast(pairs.country as String) as country,
    cast(pairs.form as String) as form,
    -- numbers
    cast(pairs.tax_year as UInt16) as tax_year,
    cast(counted.cohort_size as UInt64) as cohort_size,
    cast(if(pairs.is_complete, counted.cohort_size, 0) as UInt64) as eligible_users,
    cast(if(pairs.is_complete, counted.returned, null) as Nullable(UInt64)) as returned_users,
    cast(if(pairs.is_complete, counted.returned / counted.cohort_size, null) as Nullable(Float64)) as retention_rate,
    -- booleans
    cast(pairs.is_complete as Bool) as is_complete,
    cast(pairs.is_cohort_partial as Bool) as is_cohort_partial,
    -- dates
    cast(pairs.due_date as Date) as due_date,
    cast(pairs.season_start as Date) as season_start,
    cast(pairs.season_end as Date) as season_end,
    cast(pairs.next_season_start as Date) as next_season_start,
    cast(pairs.next_season_end as Date) as next_season_end
from counted
inner join pairs on counted.country = pairs.country and counted.tax_year = pairs.tax_year
