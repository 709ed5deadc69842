{{ config(order_by='(cohort, granularity, cohort_number)') }}

{#- Arrays by period number, from 0 to the last one that is looked at. Most people never come back: their few returns
    stand in one list per cohort and are counted there; maps that are added row by row took twice as long, thirty zeros
    for each person longer still. -#}
with
{% for granularity in ['day', 'week', 'month'] -%}

{{ granularity }}s as (
    select
        cohort,
        '{{ granularity }}' as granularity,
        {{ var('cohort_' ~ granularity ~ 's') }} as last_number,
        country,
        channel,
        arrayCompact(arrayMap(day -> {{ period_number(granularity, 'day') }}, anchor_days)) as anchors,
        if(anchor_type = 'recurring', anchors, arraySlice(anchors, 1, 1)) as cohort_numbers,
        arrayCompact(arrayMap(day -> {{ period_number(granularity, 'day') }}, return_days)) as return_numbers,
        arrayMap(line -> {{ period_number(granularity, 'line.1') }}, revenue_lines) as revenue_numbers,
        arrayMap(line -> line.2, revenue_lines) as amounts
    from {{ ref('cohort_members') }}
),
{% endfor %}

people as (
    {% for granularity in ['day', 'week', 'month'] -%}
    select * from {{ granularity }}s
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

entries as (
    select
        cohort,
        granularity,
        country,
        channel,
        last_number,
        arrayJoin(cohort_numbers) as cohort_number,
        arrayFilter(
            number -> number between 1 and last_number, arrayMap(number -> number - cohort_number, return_numbers)
        ) as returns,
        least(greatest(return_numbers[-1] - cohort_number, 0), last_number) as last_return,
        arrayMap(number -> number - cohort_number, revenue_numbers) as revenue_offsets,
        arrayFilter(number -> number between 0 and last_number, revenue_offsets) as spends,
        arrayFilter((amount, number) -> number between 0 and last_number, amounts, revenue_offsets) as spent
    from people
),

summed as (
    select
        cohort,
        granularity,
        country,
        channel,
        last_number,
        cohort_number,
        count() as people,
        groupArrayArray(returns) as returned,
        groupArray(last_return) as last_returned,
        sumMap(spends, spent) as revenue_of
    from entries
    group by cohort, granularity, country, channel, last_number, cohort_number
)

select
    -- strings
    cohort,
    granularity,
    country,
    channel,
    -- numbers
    cohort_number,
    people as cohort_size,
    arrayMap(
        number -> if(number = 0, people, countEqual(returned, number)), range(0, last_number + 1)
    ) as returned_users,
    arrayMap(
        number -> toUInt64(arrayCount(last -> last >= number, last_returned)), range(0, last_number + 1)
    ) as returned_or_later_users,
    arrayMap(number -> revenue_of.2[indexOf(revenue_of.1, number)], range(0, last_number + 1)) as revenue
from summed
