{#- What is wrong with segment_migration beside user_segments: for every kind of segment and month, the people on one `side`
    of its moves, to_segment or from_segment, must be as many as the segment held in the month `period`. -#}
{%- macro segment_balance(side, period) -%}
with
sizes as (
    select
        arrayJoin([
            ('rfm', rfm_segment),
            ('lifecycle', lifecycle_stage),
            ('geographic', toNullable(geographic_segment))
        ]) as membership,
        is_known,
        {{ period }} as period
    from {{ ref('user_segments') }}
),

expected as (
    select
        membership.1 as segment_kind,
        membership.2 as segment,
        period,
        is_known,
        count() as people
    from sizes
    where membership.2 is not null and period <= (select max(months.month) from {{ ref('reporting_months') }} as months)
    group by segment_kind, segment, period, is_known
),

found as (
    select
        segment_kind,
        {{ side }} as segment,
        period,
        is_known,
        sum(people) as people
    from {{ ref('segment_migration') }}
    where {{ side }} != ''
    group by segment_kind, segment, period, is_known
)

select
    expected.segment_kind as expected_kind,
    found.segment_kind as found_kind,
    expected.people as expected_people,
    found.people as found_people
from expected
full outer join found
    on
        expected.segment_kind = found.segment_kind
        and expected.segment = found.segment
        and expected.period = found.period
        and expected.is_known = found.is_known
where not coalesce(expected.people = found.people, false)
{%- endmacro -%}
