{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(person_id, month)',
    meta={'variables': ['season_days_before_deadline', 'season_days_after_deadline', 'lifecycle_churn_days']}
) }}
-- depends_on: {{ ref('person_changes') }}


{# Whether somebody came back after having been lost follows from two active days that follow each other, so the
    days of a person are put side by side as sorted arrays, with the country carried forward to days that name none.
    The region is that of the newest event that names one and its country, as long as that is the country of the day. #}
with
days as (
    select
        person_id,
        active_date,
        argMax(country, country_position) as day_country,
        argMax(tax_residence, tax_residence_position) as day_tax_residence,
        argMax(region_country, region_position) as day_region_country,
        argMax(region, region_position) as day_region
    from {{ of_changed_people(ref('user_day_facts')) }}
    group by person_id, active_date
),

people as (
    select
        person_id,
        arraySort(
            groupArray((active_date, day_country, day_tax_residence, day_region_country, day_region))
        ) as history,
        tupleElement(history, 1) as dates,
        arrayFill(country -> country != '', tupleElement(history, 2)) as countries,
        arrayFill(residence -> residence != '', tupleElement(history, 3)) as residences,
        arrayFill(
            (country, region) -> region != '', tupleElement(history, 4), tupleElement(history, 5)
        ) as region_countries,
        arrayFill(region -> region != '', tupleElement(history, 5)) as regions
    from days
    group by person_id
),

steps as (
    select
        person_id,
        dates[1] as first_active_date,
        arrayJoin(
            arrayZip(
                dates,
                countries,
                residences,
                arrayPushFront(arrayPopBack(dates), dates[1]),
                arrayPushFront(arrayPopBack(countries), countries[1]),
                region_countries,
                regions
            )
        ) as step
    from people
),

calendar as (
    select * from {{ ref('filing_calendar') }}
),

judged as (
    select
        steps.person_id as person_id,
        steps.first_active_date as first_active_date,
        steps.step.1 as active_date,
        steps.step.2 as country,
        steps.step.3 as tax_residence,
        if(steps.step.6 = steps.step.2, steps.step.7, '') as region,
        coalesce(own.returns_until, active_date + {{ var('lifecycle_churn_days') }}) as returns_until,
        coalesce(before.returns_until, steps.step.4 + {{ var('lifecycle_churn_days') }}) < active_date as is_return
    from steps
    left join calendar as own on steps.step.2 = own.country and steps.step.1 = own.day
    left join calendar as before on steps.step.5 = before.country and steps.step.4 = before.day
),

months as (
    select
        person_id,
        toStartOfMonth(active_date) as month,
        any(first_active_date) as first_active_date,
        max(active_date) as last_active_date,
        maxIf(toNullable(active_date), is_return) as last_return_date,
        argMax(country, active_date) as newest_country,
        argMax(region, active_date) as newest_region,
        argMax(tax_residence, active_date) as newest_tax_residence,
        argMax(returns_until, active_date) as newest_returns_until
    from judged
    group by person_id, month
)

select
    -- ids
    person_id,
    -- strings
    newest_country as country,
    newest_region as region,
    newest_tax_residence as tax_residence,
    -- dates
    month,
    lead(toNullable(month)) over history as next_month,
    first_active_date,
    last_active_date,
    newest_returns_until as returns_until,
    max(last_return_date) over history as last_return_date
from months
window history as (partition by person_id order by month asc)
