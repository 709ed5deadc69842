{{ config(order_by='(segment_kind, period, is_known, from_segment, to_segment)') }}

with
{{ segment_steps() }},

matrix as (
    select
        segment_kind,
        period,
        is_known,
        is_partial,
        from_segment,
        to_segment,
        movement,
        count() as cell
    from steps
    group by segment_kind, period, is_known, is_partial, from_segment, to_segment, movement
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
