{{ config(order_by='(segment_kind, period, person_id)') }}

with
{{ segment_steps() }}

select
    -- ids
    cast(person_id as String) as person_id,
    -- strings
    cast(segment_kind as String) as segment_kind,
    cast(from_segment as String) as from_segment,
    cast(to_segment as String) as to_segment,
    cast(movement as String) as movement,
    -- booleans
    cast(is_known as Bool) as is_known,
    cast(is_partial as Bool) as is_partial,
    -- dates
    cast(period as Date) as period,
    cast(if(from_segment = '', null, since) as Nullable(Date)) as from_since
from steps
where movement != 'stay'
