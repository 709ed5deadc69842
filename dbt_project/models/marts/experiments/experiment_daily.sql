{{ config(order_by='(experiment_id, metric, arm, day)') }}

{#- A conversion is 0 or 1 per person, so its running sum is also its sum of squares. -#}
with
conversions as (
    select
        metric,
        numerator as measure
    from {{ ref('experiment_metric_catalogue') }}
    where kind = 'proportion'
),

people as (
    select
        experiment_id,
        arm,
        exposed_on,
        max(window_ends_at) as last_window_ends_at,
        count() as people
    from {{ ref('experiment_outcomes') }}
    group by experiment_id, arm, exposed_on
),

closed as (
    select
        experiment_id,
        arm,
        -- a window that ends at midnight has closed by the end of the day before
        {{ reporting_date('window_ends_at - toIntervalMillisecond(1)') }} as day,
        count() as people
    from {{ ref('experiment_outcomes') }}
    group by experiment_id, arm, day
),

converted as (
    select
        experiment_id,
        arm,
        {{ reporting_date('assumeNotNull(conversion.2)') }} as day,
        conversion.1 as measure,
        count() as converted
    from {{ ref('experiment_outcomes') }}
    array join
        arrayFilter(
            moment -> moment.2 <= window_ends_at,
            [
                {%- for measure in experiment_conversions() %}
                ('{{ measure }}', first_{{ measure }}_at){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as conversion
    group by experiment_id, arm, day, measure
),

arms as (
    select
        people.experiment_id as experiment_id,
        groupUniqArray(people.arm) as arms,
        min(people.exposed_on) as first_day,
        least({{ reporting_date('max(people.last_window_ends_at)') }}, any(period.as_of_date)) as last_day,
        any(period.complete_until) as complete_until
    from people
    cross join {{ ref('reporting_period') }} as period
    group by experiment_id
),

grid as (
    select
        arms.experiment_id as experiment_id,
        conversions.metric as metric,
        conversions.measure as measure,
        arms.complete_until as complete_until,
        arrayJoin(arms.arms) as arm,
        arrayJoin(range(toUInt32(arms.last_day - arms.first_day + 1))) as days_since_start,
        arms.first_day + days_since_start as day
    from arms
    cross join conversions
)

select
    -- ids
    cast(grid.experiment_id as String) as experiment_id,
    -- strings
    cast(grid.arm as String) as arm,
    cast(grid.metric as String) as metric,
    -- numbers
    cast(grid.days_since_start as UInt32) as days_since_start,
    cast(sum(coalesce(people.people, 0)) over running as UInt64) as people,
    cast(sum(coalesce(people.people, 0)) over running - sum(coalesce(closed.people, 0)) over running as UInt64)
        as immature_people,
    cast(sum(coalesce(converted.converted, 0)) over running as UInt64) as outcome_sum,
    cast(sum(coalesce(converted.converted, 0)) over running as UInt64) as outcome_square_sum,
    -- booleans
    cast({{ start_of_reporting_date('grid.day + 1') }} > grid.complete_until as Bool) as is_partial,
    -- dates
    cast(grid.day as Date) as day
from grid
left join people
    on grid.experiment_id = people.experiment_id and grid.arm = people.arm and grid.day = people.exposed_on
left join closed
    on grid.experiment_id = closed.experiment_id and grid.arm = closed.arm and grid.day = closed.day
left join converted
    on
        grid.experiment_id = converted.experiment_id
        and grid.arm = converted.arm
        and grid.measure = converted.measure
        and grid.day = converted.day
window running as (partition by grid.experiment_id, grid.arm, grid.metric order by grid.day asc)
