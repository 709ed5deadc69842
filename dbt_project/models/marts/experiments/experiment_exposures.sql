{{ config(materialized='view') }}

{#- A view, since whether a window is over depends on the day, and nothing else in it does. -#}

with
complete as (
    select least({{ start_of_reporting_date('as_of_date + 1') }}, complete_until) as observed_until
    from {{ ref('reporting_period') }}
),

due_dates as (
    select
        country,
        groupArray(due_date) as days
    from {{ ref('deadlines') }}
    group by country
)

select
    -- ids
    cast(people.experiment_id as String) as experiment_id,
    cast(people.person_id as String) as person_id,
    -- strings
    cast(people.arm as String) as arm,
    cast(people.arms as Array(String)) as arms,
    cast(people.country as String) as country,
    cast(people.platform as String) as platform,
    cast(people.device_type as String) as device_type,
    -- numbers
    cast(people.exposures as UInt64) as exposures,
    -- booleans
    cast(people.is_crossover as Bool) as is_crossover,
    cast(people.window_ends_at <= complete.observed_until as Bool) as is_mature,
    cast(
        arrayExists(day -> day between people.exposed_on and people.window_ends_on, due_dates.days) as Bool
    ) as spans_deadline,
    -- dates
    cast(people.exposed_on as Date) as exposed_on,
    cast(people.last_exposed_on as Date) as last_exposed_on,
    cast(people.window_ends_on as Date) as window_ends_on,
    -- timestamps
    cast(people.exposed_at as DateTime64(3, 'UTC')) as exposed_at,
    cast(people.window_ends_at as DateTime64(3, 'UTC')) as window_ends_at
from {{ ref('experiment_people') }} as people
cross join complete
left join due_dates on people.country = due_dates.country
