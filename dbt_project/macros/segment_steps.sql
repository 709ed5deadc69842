{#- CTEs that end in `steps`: for every person, kind of segment and month the segment before and the one now, empty where
    there is none; `since` is the month in which the segment before began. Sorted arrays of a person's months stand
    side by side with themselves, shifted by one. -#}
{%- macro segment_steps() -%}
people as (
    select
        person_id,
        is_known,
        arraySort(
            groupArray((period, coalesce(rfm_segment, ''), coalesce(lifecycle_stage, ''), geographic_segment))
        ) as history,
        tupleElement(history, 1) as periods
    from {{ ref('user_segments') }}
    group by person_id, is_known
),

kinds as (
    select
        person_id,
        is_known,
        arrayPushBack(periods, addMonths(periods[-1], 1)) as moments,
        arrayJoin([
            ('rfm', tupleElement(history, 2)),
            ('lifecycle', tupleElement(history, 3)),
            ('geographic', tupleElement(history, 4))
        ]) as kind,
        arrayPushFront(kind.2, '') as segments_before,
        arrayPushBack(kind.2, '') as segments_now,
        arrayPushFront(
            arrayFill(
                month -> month != toDate(0),
                arrayMap(
                    (month, before, now) -> if(before = now, toDate(0), month), moments, segments_before, segments_now
                )
            ),
            toDate(0)
        ) as sinces
    from people
),

paired as (
    select
        person_id,
        is_known,
        kind.1 as segment_kind,
        arrayJoin(arrayZip(moments, segments_before, segments_now, arrayPopBack(sinces))) as step
    from kinds
),

{# A step after the last month of the data has not been taken. #}
steps as (
    select
        paired.person_id as person_id,
        paired.is_known as is_known,
        paired.segment_kind as segment_kind,
        paired.step.1 as period,
        paired.step.2 as from_segment,
        paired.step.3 as to_segment,
        paired.step.4 as since,
        months.is_partial as is_partial,
        multiIf(
            from_segment = '', 'entry', to_segment = '', 'exit', from_segment = to_segment, 'stay', 'move'
        ) as movement
    from paired
    inner join {{ ref('reporting_months') }} as months on paired.step.1 = months.month
    where paired.step.2 != '' or paired.step.3 != ''
)
{%- endmacro -%}
