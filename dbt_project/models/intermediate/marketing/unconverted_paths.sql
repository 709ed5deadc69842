{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_people',
    order_by='(person_id, conversion_kind, last_touched_at)',
    meta={'variables': ['attribution_lookback_days']}
) }}
-- depends_on: {{ ref('person_changes') }}

{# A touch, here a tuple of time, channel and whether it converts, converts when a conversion of the kind follows
    within the look-back. The others, in order, are the paths that led nowhere; such a path ends before a touch that
    converts, and when more than the look-back passes without a touch. Whether it can still convert depends on the as-of
    date, so path_counts decides that. #}
with
people as (
    select * from {{ of_changed_people(ref('person_touches')) }}
),

kinds as (
    select * from {{ ref('conversion_kinds') }}
),

moments as (
    select
        person_id,
        conversion_kind,
        groupUniqArray(converted_at) as conversions_at
    from {{ ref('conversions') }}
    where conversions > 0 {% if only_changes() %}and person_id in ({{ changed_people() }}){% endif %}
    group by person_id, conversion_kind
),

people_by_kind as (
    select
        people.person_id as person_id,
        people.touches as touches,
        kinds.conversion_kind as conversion_kind,
        kinds.is_repeatable as is_repeatable
    from people
    cross join kinds
),

marked as (
    select
        people_by_kind.person_id as person_id,
        people_by_kind.conversion_kind as conversion_kind,
        arrayMap(
            touch -> (
                touch.1,
                touch.2,
                arrayExists(
                    moment -> moment >= touch.1
                    and moment <= touch.1 + toIntervalDay({{ var('attribution_lookback_days') }}),
                    moments.conversions_at
                )
            ),
            arrayFilter(
                touch -> people_by_kind.is_repeatable
                or empty(moments.conversions_at)
                or touch.1 <= moments.conversions_at[1],
                people_by_kind.touches
            )
        ) as history
    from people_by_kind
    left join moments
        on
            people_by_kind.person_id = moments.person_id
            and people_by_kind.conversion_kind = moments.conversion_kind
),

runs as (
    select
        person_id,
        conversion_kind,
        arrayJoin(
            arraySplit(
                (touch, previous) -> touch.3 != previous.3
                or touch.1 > previous.1 + toIntervalDay({{ var('attribution_lookback_days') }}),
                history,
                arraySlice(arrayPushFront(history, history[1]), 1, length(history))
            )
        ) as run
    from marked
)

select
    -- ids
    person_id,
    -- strings
    conversion_kind,
    {{ path_of_channels('arrayMap(touch -> touch.2, run)') }} as path,
    {{ set_of_channels('arrayMap(touch -> touch.2, run)') }} as channel_set,
    -- numbers
    length(run) as touches,
    cityHash64(conversion_kind, path) as content,
    -- timestamps
    tupleElement(run[-1], 1) as last_touched_at
from runs
where not tupleElement(run[1], 3)
