{{ config(order_by='(segment_kind, period, is_known, from_segment, to_segment)') }}

{# Who stays is not counted one by one: of everybody in a segment, those who did not come to it this month. #}
with
months as (
    select * from {{ ref('reporting_months') }}
),

memberships as (
    select
        period,
        is_known,
        coalesce(rfm_segment, '') as rfm,
        coalesce(lifecycle_stage, '') as lifecycle,
        geographic_segment as geographic,
        count() as people
    from {{ ref('user_segments') }}
    group by period, is_known, rfm, lifecycle, geographic
),

kinds as (
    select
        period,
        is_known,
        arrayJoin([('rfm', rfm), ('lifecycle', lifecycle), ('geographic', geographic)]) as kind_and_segment,
        people
    from memberships
),

moves as (
    select
        segment_kind,
        period,
        is_known,
        from_segment,
        to_segment,
        movement,
        toInt64(count()) as people
    from {{ ref('segment_changes') }}
    group by segment_kind, period, is_known, from_segment, to_segment, movement
),

stays as (
    select
        segment_kind,
        period,
        is_known,
        to_segment as segment,
        -people as people
    from moves
    where to_segment != ''
    union all
    select
        kinds.kind_and_segment.1 as segment_kind,
        kinds.period as period,
        kinds.is_known as is_known,
        kinds.kind_and_segment.2 as segment,
        toInt64(kinds.people) as people
    from kinds
    where kinds.kind_and_segment.2 != ''
),

counted as (
    select * from moves
    union all
    select
        segment_kind,
        period,
        is_known,
        segment as from_segment,
        segment as to_segment,
        'stay' as movement,
        sum(stays.people) as people
    from stays
    group by segment_kind, period, is_known, segment
    having sum(stays.people) > 0
),

matrix as (
    select
        counted.segment_kind as segment_kind,
        counted.period as period,
        counted.is_known as is_known,
        months.is_partial as is_partial,
        counted.from_segment as from_segment,
        counted.to_segment as to_segment,
        counted.movement as movement,
        counted.people as cell
    from counted
    inner join months on counted.period = months.month
)

select
    -- strings
    cast(segment_kind as String) as segment_kind,
    cast(from_segment as String) as from_segment,
    cast(to_segment as String) as to_segment,
    cast(movement as String) as movement,
    -- numbers
    cast(cell as UInt64) as people,
    cast(
        if(
            from_segment = '',
            null,
            cell / sum(cell) over (partition by segment_kind, period, is_known, from_segment)
        ) as Nullable(Float64)
    ) as share_of_from,
    -- booleans
    cast(is_known as Bool) as is_known,
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(period as Date) as period
from matrix
