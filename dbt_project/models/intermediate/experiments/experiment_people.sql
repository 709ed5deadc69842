{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_exposed_people',
    order_by='(person_id, experiment_id)',
    meta={
        'variables': ['experiment_pre_period_days', 'experiment_outcome_window_days']
    }
) }}
-- depends_on: {{ ref('person_changes') }}

{# The first exposure of each person; one number orders them, so that arm, country and device belong together. #}
with
exposures as (
    select
        *,
        {{ event_order('event_at', 'event_id') }} as position
    from {{ ref('person_exposures') }}
    where {{ until_as_of_date('event_date') }}
    {%- if only_changes() %} and person_id in ({{ changed_exposed_people() }}){% endif %}
),

settings as (
    select * from {{ ref('experiment_settings') }}
),

people as (
    select
        exposures.experiment_id as experiment_id,
        exposures.person_id as person_id,
        argMin(exposures.arm, exposures.position) as arm,
        argMin(exposures.country, exposures.position) as country,
        argMin(exposures.platform, exposures.position) as platform,
        argMin(exposures.device_type, exposures.position) as device_type,
        argMin(exposures.event_date, exposures.position) as exposed_on,
        min(exposures.event_at) as exposed_at,
        max(exposures.event_date) as last_exposed_on,
        count() as exposures,
        arraySort(groupUniqArray(exposures.arm)) as arms,
        any(settings.pre_period_days) as pre_period_days,
        any(settings.outcome_window_days) as outcome_window_days
    from exposures
    inner join settings on exposures.experiment_id = settings.experiment_id
    where
        exposures.event_date >= coalesce(settings.start_date, exposures.event_date)
        and exposures.event_date <= coalesce(settings.end_date, exposures.event_date)
    group by experiment_id, person_id
)

select
    -- ids
    experiment_id,
    person_id,
    -- strings
    arm,
    country,
    platform,
    device_type,
    arms,
    -- numbers
    exposures,
    -- booleans
    length(arms) > 1 as is_crossover,
    -- dates
    exposed_on,
    last_exposed_on,
    {{ reporting_date('exposed_at + toIntervalDay(outcome_window_days)') }} as window_ends_on,
    -- timestamps
    exposed_at,
    exposed_at - toIntervalDay(pre_period_days) as pre_period_begins_at,
    exposed_at + toIntervalDay(outcome_window_days) as window_ends_at
from people
