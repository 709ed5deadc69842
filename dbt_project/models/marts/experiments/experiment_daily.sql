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
        {{ reporting_date('window_ends_at') }} as window_ends_on,
        window_ends_at,
        arrayJoin(
            [
                {%- for measure in experiment_conversions() %}
                ('{{ measure }}', first_{{ measure }}_at){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as conversion
    from {{ ref('experiment_outcomes') }}
),

changes as (
    select
        experiment_id,
        arm,
        conversion.1 as measure,
        arrayJoin(
            if(
                conversion.2 <= window_ends_at,
                [(exposed_on, 1, 0), ({{ reporting_date('assumeNotNull(conversion.2)') }}, 0, 1)],
                [(exposed_on, 1, 0)]
            )
        ) as change
    from people
),

daily_changes as (
    select
        experiment_id,
        arm,
        measure,
        change.1 as day,
        sum(change.2) as people,
        sum(change.3) as converted
    from changes
    group by experiment_id, arm, measure, day
),

arms as (
    select
        people.experiment_id as experiment_id,
        groupUniqArray(people.arm) as arms,
        min(people.exposed_on) as first_day,
        least(max(people.window_ends_on), any(period.as_of_date)) as last_day,
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
    cast(sum(coalesce(daily_changes.people, 0)) over running as UInt64) as people,
    cast(sum(coalesce(daily_changes.converted, 0)) over running as UInt64) as outcome_sum,
    cast(sum(coalesce(daily_changes.converted, 0)) over running as UInt64) as outcome_square_sum,
    -- booleans
    cast({{ start_of_reporting_date('grid.day + 1') }} > grid.complete_until as Bool) as is_partial,
    -- dates
    cast(grid.day as Date) as day
from grid
left join daily_changes
    on
        grid.experiment_id = daily_changes.experiment_id
        and grid.arm = daily_changes.arm
        and grid.measure = daily_changes.measure
        and grid.day = daily_changes.day
window running as (partition by grid.experiment_id, grid.arm, grid.metric order by grid.day asc)
