{#- Funnels of every other kind: from each entry, the later events are walked through one by one. Exact for steps that one
    event could fill several of, for strict order and for any order; it costs a pass over the window for every entry. -#}
{%- macro funnel_walked_chains(plan, sources) -%}
{%- set never, count = funnel_never(), plan.steps | length -%}
{%- set by_channel = plan.breakdowns | selectattr('column', 'equalto', 'channel') | list -%}
{%- set time_of = [] -%}
{%- for step in plan.steps -%}{%- do time_of.append('times[' ~ step.number ~ ']') -%}{%- endfor -%}
{%- set event_values = plan.breakdowns | rejectattr('column', 'equalto', 'channel') | list -%}
select
    {{ funnel_columns(plan) }}
from (
    select
        *,
        {%- for breakdown in plan.breakdowns %}
        chain.{{ 7 + loop.index0 }} as value_{{ breakdown.number }},
        {%- endfor %}
        chain.1 as chain_at,
        chain.3 as furthest,
        chain.4 as excluded,
        chain.5 as step_moments,
        row_number() over (partition by person_id order by {{ 'chain.1, chain.6' if plan.reentry == 'first' else 'chain.2, chain.1, chain.6' }}) = 1 as is_best
    from (
        select
            person_id,
            day,
            argMin(
                (entry_at, rank, furthest, excluded, step_moments, entry_index{% for breakdown in plan.breakdowns %}, value_{{ breakdown.number }}{% endfor %}),
                {{ '(entry_at, entry_index)' if plan.reentry == 'first' else '(rank, entry_at, entry_index)' }}
            ) as chain
        from (
            select
                person_id,
                entry_at,
                entry_index,
                {{ reporting_date("fromUnixTimestamp64Milli(entry_at, 'UTC')") }} as day,
                walked.1 as furthest,
                walked.3 as times,
                walked.4 as ids,
                toUInt8({{ funnel_walked_exclusions(plan, time_of) }}) as excluded,
                toUInt8(({{ count }} - furthest) * 2 + excluded) as rank,
                arraySlice(times, 1, furthest) as step_moments
                {%- for breakdown in plan.breakdowns %},
                {%- set at = 'furthest' if breakdown.at == 'last' else breakdown.at | string %}
                {%- if breakdown.column == 'channel' %}
                if(times[{{ at }}] = {{ never }}, '', tupleElement(arrayLast(visit -> visit.1 <= times[{{ at }}], visits), 2)) as value_{{ breakdown.number }}
                {%- else %}
                if(times[{{ at }}] = {{ never }}, '', tupleElement(arrayFirst(row -> row.3 = ids[{{ at }}], rows), {{ 5 + event_values.index(breakdown) }})) as value_{{ breakdown.number }}
                {%- endif %}
                {%- endfor %}
            from (
                select
                    *,
                    arrayJoin(arrayFilter((number, row) -> {{ {'ordered': 'row.2 = 1', 'strict': 'bitTest(row.4, 1)', 'any': 'row.4 != 0'}[plan.order] }}, arrayEnumerate(rows), rows)) as entry_index,
                    rows[entry_index] as entry,
                    entry.1 as entry_at,
                    arrayFilter(row -> row.1 <= entry_at + {{ plan.window }}, arraySlice(rows, entry_index + 1{{ ', ' ~ count if plan.order == 'strict' }})) as later,
                    {{ funnel_walk(plan) | indent(20) }} as walked
                from (
                    {{ funnel_walked_people(plan, sources, event_values) | indent(20) }}
                ) as people
                {%- if by_channel %}
                left join (
                    select
                        person_id,
                        arraySort(groupArray((toUnixTimestamp64Milli(started_at), toString(channel)))) as visits
                    from {{ sources.sessions }}
                    group by person_id
                ) as person_visits using (person_id)
                {%- endif %}
            )
        )
        group by person_id, day
    )
)
{%- endmacro -%}

{#- One row per person: `rows` sorted by (time, step order, event_id) as (time, step order, event_id, steps, values…), with
    one row per event and step when the order counts and one row per event otherwise; `steps` is a set of bits. -#}
{%- macro funnel_walked_people(plan, sources, event_values) -%}
{%- set once = plan.steps | selectattr('first_time') | list -%}
{%- set by_step = plan.order == 'ordered' -%}
select
    person_id,
    {%- for exclusion in plan.exclusions %}
    groupArrayIf(at_ms, is_excluded_{{ exclusion.number }}) as excluded_{{ exclusion.number }},
    {%- endfor %}
    {%- for step in once %}
    minIf((at_ms, event_id), bitTest(all_steps, {{ step.number }})) as first_{{ step.number }},
    {%- endfor %}
    {%- set stripped -%}
    {%- if once -%}
    arrayMap(row -> (row.1, row.2, row.3, bitAnd(row.4, bitNot(toUInt32(0{% for step in once %} + if((row.1, row.3) = first_{{ step.number }}, 0, {{ 2 ** step.number }}){% endfor %}))){% for value in event_values %}, row.{{ 5 + loop.index0 }}{% endfor %}), groupArray((at_ms, toUInt8(0), event_id, all_steps{% for breakdown in event_values %}, event_value_{{ breakdown.number }}{% endfor %})))
    {%- else -%}
    groupArray((at_ms, toUInt8(0), event_id, all_steps{% for breakdown in event_values %}, event_value_{{ breakdown.number }}{% endfor %}))
    {%- endif -%}
    {%- endset %}
    {{ stripped }} as events,
    {%- if by_step %}
    arraySort(row -> (row.1, row.2, row.3), arrayFlatten(arrayMap(row -> arrayMap(step -> (row.1, toUInt8(step), row.3, row.4{% for value in event_values %}, row.{{ 5 + loop.index0 }}{% endfor %}), arrayFilter(step -> bitTest(row.4, step), range(1, {{ plan.steps | length + 1 }}))), events))) as rows
    {%- else %}
    arraySort(row -> (row.1, row.2, row.3), arrayMap(row -> (row.1, toUInt8(if(row.4 = 0, 255, bitCount(bitXor(row.4, row.4 - 1)) - 1)), row.3, row.4{% for value in event_values %}, row.{{ 5 + loop.index0 }}{% endfor %}), events)) as rows
    {%- endif %}
from (
    {%- for source in funnel_sources_used(plan) %}
    {%- set mine, excluded = plan.steps | selectattr('source', 'equalto', source) | list, plan.exclusions | selectattr('source', 'equalto', source) | list %}
    select
        person_id,
        toUnixTimestamp64Milli(event_at) as at_ms,
        event_id,
        {%- for value in funnel_event_values(plan, source) %}
        {{ value }},
        {%- endfor %}
        {%- for exclusion in plan.exclusions %}
        {{ funnel_condition(exclusion) if exclusion in excluded else '0' }} as is_excluded_{{ exclusion.number }},
        {%- endfor %}
        toUInt32(0{% for step in mine %} + if({{ funnel_condition(step) }}, {{ 2 ** step.number }}, 0){% endfor %}) as all_steps
    from {{ sources[source] }}
    {%- if plan.order != 'strict' or source != 'events' %}
    where {% for part in mine + excluded %}{{ funnel_condition(part) }}{{ ' or ' if not loop.last }}{% endfor %}
    {%- endif %}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
    {%- if plan.order == 'strict' and 'events' not in funnel_sources_used(plan) %}
    union all
    select
        person_id,
        toUnixTimestamp64Milli(event_at) as at_ms,
        event_id,
        {%- for breakdown in event_values %}
        '' as event_value_{{ breakdown.number }},
        {%- endfor %}
        {%- for exclusion in plan.exclusions %}
        0 as is_excluded_{{ exclusion.number }},
        {%- endfor %}
        toUInt32(0) as all_steps
    from {{ sources.events }}
    {%- endif %}
)
group by person_id
having {{ 'countIf(all_steps != 0) > 0' if plan.order == 'any' else 'countIf(bitTest(all_steps, 1)) > 0' }}
{%- endmacro -%}

{#- Folds the events after an entry into (position, last time, times of steps, event ids of steps, state of the order). -#}
{%- macro funnel_walk(plan) -%}
{%- set never, count = funnel_never(), plan.steps | length -%}
{%- set no_id = "toUUID('00000000-0000-0000-0000-000000000000')" -%}
{%- set masks, limits, pauses = ['0'], ['0'], ['0'] -%}
{%- for step in plan.steps -%}
    {%- set mask = [0] -%}
    {%- for next_step in plan.reachable[loop.index0] -%}{%- do mask.append(2 ** next_step) -%}{%- endfor -%}
    {%- do masks.append(mask | sum) -%}
    {%- do limits.append(step.within if step.within is not none else plan.window) -%}
    {%- do pauses.append(step.after) -%}
{%- endfor -%}
{%- set reachable = '[' ~ masks[1:] | join(', ') ~ ']' -%}
{%- set within, after = '[' ~ limits[1:] | join(', ') ~ ']', '[' ~ pauses[1:] | join(', ') ~ ']' -%}
{%- set numbers = 'range(1, ' ~ (count + 1) ~ ')' -%}
{%- set begin = 'arrayMap(number -> if(number = 1, entry_at, ' ~ never ~ '), ' ~ numbers ~ '), arrayMap(number -> if(number = 1, entry.3, ' ~ no_id ~ '), ' ~ numbers ~ ')' -%}
{%- set filled = 'arrayMap((old, number) -> if(number = step, row.1, old), acc.3, ' ~ numbers ~ '), arrayMap((old, number) -> if(number = step, row.3, old), acc.4, ' ~ numbers ~ ')' -%}
{%- if plan.order == 'ordered' -%}
arrayFold(
    (acc, row) -> if(
        bitTest({{ reachable }}[acc.1], row.2) and row.1 - acc.2 between {{ after }}[row.2] and {{ within }}[row.2] and not has(acc.4, row.3),
        (row.2, row.1, {{ filled | replace('step,', 'row.2,') }}, acc.5),
        acc
    ),
    later,
    (toUInt8(1), entry_at, {{ begin }}, {{ never }})
)
{%- elif plan.order == 'strict' -%}
arrayFold(
    (acc, row) -> if(
        acc.5 != {{ never }} or acc.1 = {{ count }},
        acc,
        if(
            (arrayFirst(number -> bitTest({{ reachable }}[acc.1], number) and bitTest(row.4, number) and row.1 - acc.2 between {{ after }}[number] and {{ within }}[number], {{ numbers }}) as step) = 0,
            (acc.1, acc.2, acc.3, acc.4, row.1),
            (toUInt8(step), row.1, {{ filled }}, {{ never }})
        )
    ),
    later,
    (toUInt8(1), entry_at, {{ begin }}, {{ never }})
)
{%- else -%}
{%- set bits -%}[{% for step in plan.steps %}toUInt32({{ 2 ** step.number }}){{ ', ' if not loop.last }}{% endfor %}]{%- endset -%}
arrayFold(
    (acc, row) -> if(
        empty(arrayDistinct(arrayFlatten(arrayMap(done -> arrayMap(bit -> bitOr(done, bit), arrayFilter(bit -> bitAnd(bit, row.4) != 0 and bitAnd(bit, done) = 0, {{ bits }})), acc.5))) as sets),
        acc,
        (toUInt8(acc.1 + 1), row.1, {{ filled | replace('step,', 'acc.1 + 1,') }}, sets)
    ),
    later,
    (toUInt8(1), entry_at, {{ begin }}, arrayFilter(bit -> bitAnd(bit, entry.4) != 0, {{ bits }}))
)
{%- endif -%}
{%- endmacro -%}

{#- Whether the chain of an entry contains an excluded event. -#}
{%- macro funnel_walked_exclusions(plan, time_of) -%}
    {%- set tests = [] -%}
    {%- for exclusion in plan.exclusions -%}
        {%- set reached = time_of[exclusion['from'] - 1:] -%}
        {%- set until = funnel_until(plan, exclusion, time_of, 'entry_at') -%}
        {%- if plan.order == 'strict' -%}
            {%- set until = 'least(' ~ until ~ ', walked.5)' -%}
        {%- endif -%}
        {%- do tests.append('(furthest >= ' ~ exclusion['from'] ~ ' and arrayExists(moment -> moment > least(' ~ reached | join(', ') ~ ', ' ~ funnel_never() ~ ') and moment <= ' ~ until ~ ', excluded_' ~ exclusion.number ~ '))') -%}
    {%- endfor -%}
    {{ return(tests | join(' or ') if tests else '0') }}
{%- endmacro -%}
