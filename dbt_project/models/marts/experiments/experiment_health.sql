{{ config(order_by='experiment_id') }}

with
due_dates as (
    select
        country,
        groupArray(due_date) as days
    from {{ ref('deadlines') }}
    group by country
),

countries as (
    select
        experiment_id,
        country,
        countIf(not is_crossover) as people,
        countIf(is_crossover) as crossovers,
        countIf(not is_crossover and not is_mature) as immature_people,
        countIf(not is_crossover and spans_deadline) as people_spanning_deadline,
        min(exposed_on) as first_exposed_on,
        max(last_exposed_on) as last_exposed_on,
        max(window_ends_on) as last_window_ends_on
    from {{ ref('experiment_exposures') }}
    group by experiment_id, country
),

people as (
    select
        countries.experiment_id as experiment_id,
        sum(countries.people) as people,
        sum(countries.crossovers) as crossovers,
        sum(countries.immature_people) as immature_people,
        sum(countries.people_spanning_deadline) as people_spanning_deadline,
        max(arrayExists(
            day -> day between countries.first_exposed_on and countries.last_window_ends_on, due_dates.days
        )) as spans_deadline,
        min(countries.first_exposed_on) as first_exposed_on,
        max(countries.last_exposed_on) as last_exposed_on
    from countries
    left join due_dates on countries.country = due_dates.country
    group by experiment_id
),

splits as (
    select
        experiment_id,
        countIf(weight > 0) as planned_arms,
        sumIf(people, weight = 0) as unplanned_people,
        max(has_planned_weights) as has_planned_weights,
        -- sorted: a sum of floats depends on their order
        if(
            planned_arms > 0 and count(chi_square_term) = planned_arms,
            arraySum(arraySort(groupArray(chi_square_term))),
            null
        ) as chi_square,
        if(planned_arms > 0, toInt32(planned_arms) - 1, null) as degrees_of_freedom
    from {{ ref('experiment_arms') }}
    group by experiment_id
),

judged as (
    select
        *,
        {{ chi_square_p_value('chi_square', 'degrees_of_freedom') }} as p_value
    from splits
)

select
    -- ids
    cast(settings.experiment_id as String) as experiment_id,
    -- strings
    cast(settings.unit as String) as unit,
    cast(settings.primary_metric as String) as primary_metric,
    cast(settings.guardrail_metrics as Array(String)) as guardrail_metrics,
    -- numbers
    cast(settings.pre_period_days as UInt16) as pre_period_days,
    cast(settings.outcome_window_days as UInt16) as outcome_window_days,
    cast(settings.exposures as UInt64) as exposures,
    cast(settings.exposures_outside_dates as UInt64) as exposures_outside_dates,
    cast(coalesce(people.people, 0) as UInt64) as people,
    cast(coalesce(people.crossovers, 0) as UInt64) as crossovers,
    cast(coalesce(judged.unplanned_people, 0) as UInt64) as unplanned_people,
    cast(coalesce(people.immature_people, 0) as UInt64) as immature_people,
    cast(coalesce(people.people_spanning_deadline, 0) as UInt64) as people_spanning_deadline,
    cast(judged.chi_square as Nullable(Float64)) as chi_square,
    cast(judged.degrees_of_freedom as Nullable(Int32)) as degrees_of_freedom,
    cast(judged.p_value as Nullable(Float64)) as sample_ratio_p_value,
    -- booleans
    cast(coalesce(judged.p_value < {{ var('sample_ratio_alert_p') }}, false) as Bool) as is_sample_ratio_mismatch,
    cast(settings.is_declared as Bool) as is_declared,
    cast(coalesce(judged.has_planned_weights, false) as Bool) as has_planned_weights,
    cast(coalesce(people.spans_deadline, false) as Bool) as spans_deadline,
    cast(
        coalesce(people.people > 0 and people.immature_people = 0, false) and not settings.may_grow as Bool
    ) as is_complete,
    -- dates
    cast(settings.start_date as Nullable(Date)) as start_date,
    cast(settings.end_date as Nullable(Date)) as end_date,
    cast(people.first_exposed_on as Nullable(Date)) as first_exposed_on,
    cast(people.last_exposed_on as Nullable(Date)) as last_exposed_on
from {{ ref('experiment_settings') }} as settings
left join people on settings.experiment_id = people.experiment_id
left join judged on settings.experiment_id = judged.experiment_id
