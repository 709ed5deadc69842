{{ config(order_by='experiment_id') }}

with
exposures as (
    select
        experiment_id,
        event_date
    from {{ ref('person_exposures') }}
    where {{ until_as_of_date('event_date') }}
),

shown as (
    select
        exposures.experiment_id as experiment_id,
        count() as exposures,
        countIf(
            exposures.event_date < plans.start_date or exposures.event_date > plans.end_date
        ) as exposures_outside_dates
    from exposures
    left join {{ ref('experiments') }} as plans on exposures.experiment_id = plans.experiment_id
    group by experiment_id
)

select
    -- ids
    shown.experiment_id as experiment_id,
    -- strings
    coalesce(plans.unit, '') as unit,
    coalesce(plans.primary_metric, '') as primary_metric,
    arrayFilter(metric -> metric != '', splitByChar(';', coalesce(plans.guardrail_metrics, ''))) as guardrail_metrics,
    -- numbers
    coalesce(plans.pre_period_days, {{ var('experiment_pre_period_days') }}) as pre_period_days,
    coalesce(plans.outcome_window_days, {{ var('experiment_outcome_window_days') }}) as outcome_window_days,
    shown.exposures as exposures,
    shown.exposures_outside_dates as exposures_outside_dates,
    -- booleans
    plans.experiment_id is not null as is_declared,
    coalesce(
        {{ start_of_reporting_date('plans.end_date + 1') }}
        > least({{ start_of_reporting_date('period.as_of_date + 1') }}, period.complete_until),
        false
    ) as may_grow,
    -- dates
    plans.start_date as start_date,
    plans.end_date as end_date
from shown
left join {{ ref('experiments') }} as plans on shown.experiment_id = plans.experiment_id
cross join {{ ref('reporting_period') }} as period
