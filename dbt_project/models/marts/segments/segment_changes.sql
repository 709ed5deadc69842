{{ config(
    materialized=changing_table(),
    replaces="if(is_partial or segment_kind = 'rfm', '', person_id)",
    changed='changed_segment_moves',
    order_by='(segment_kind, period, person_id)',
    meta={
        'variables': [
            'lifecycle_new_days', 'lifecycle_active_days', 'lifecycle_resurrected_days', 'lifecycle_churn_days',
            'season_days_before_deadline', 'season_days_after_deadline'
        ],
        'decided_by': ['months_that_are_over']
    }
) }}
-- depends_on: {{ ref('person_changes') }}

{# Sorted arrays of a person's months stand side by side with themselves, shifted by one; `since` is the month in which
    the segment before began. A build of changes looks at people that changed, at those who stand elsewhere in a
    month that is not over than before it, and at all customers, whose scores follow from others' orders. #}
with
people as (
    select
        person_id,
        is_known,
        arraySort(groupArray((period, coalesce(lifecycle_stage, ''), geographic_segment))) as history
    from {{ ref('user_segments') }}
    {% if only_changes() %}
    where person_id in (
        {{ changed_people() }}
        union all
        select recent.person_id from {{ ref('user_segments') }} as recent
        where recent.period >= addMonths({{ first_open_month() }}, -1)
        group by recent.person_id
        having
            min(recent.period) >= {{ first_open_month() }}
            or min(cityHash64(coalesce(recent.lifecycle_stage, ''), recent.geographic_segment))
            != max(cityHash64(coalesce(recent.lifecycle_stage, ''), recent.geographic_segment))
    )
    {% endif %}
    group by person_id, is_known
),

customers as (
    select
        person_id,
        is_known,
        arraySort(groupArray((period, assumeNotNull(rfm_segment)))) as history
    from {{ ref('user_segments') }}
    where rfm_segment is not null
    group by person_id, is_known
),

histories as (
    select
        person_id,
        is_known,
        tupleElement(history, 1) as periods,
        arrayJoin([('lifecycle', tupleElement(history, 2)), ('geographic', tupleElement(history, 3))]) as kind
    from people
    union all
    select
        person_id,
        is_known,
        tupleElement(history, 1) as periods,
        ('rfm', tupleElement(history, 2)) as kind
    from customers
),

kinds as (
    select
        person_id,
        is_known,
        kind.1 as segment_kind,
        arrayPushBack(periods, addMonths(periods[-1], 1)) as moments,
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
    from histories
),

paired as (
    select
        person_id,
        is_known,
        segment_kind,
        arrayJoin(
            arrayFilter(
                step -> step.2 != step.3, arrayZip(moments, segments_before, segments_now, arrayPopBack(sinces))
            )
        ) as step
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
        multiIf(from_segment = '', 'entry', to_segment = '', 'exit', 'move') as movement
    from paired
    inner join {{ ref('reporting_months') }} as months on paired.step.1 = months.month
)

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
{% if only_changes() %}
where is_partial or segment_kind = 'rfm' or person_id in ({{ changed_people() }})
{% endif %}
