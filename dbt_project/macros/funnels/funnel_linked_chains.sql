{#- Ordered funnels whose steps no event can fill twice. All moments of a person are sorted once, as numbers: moment * 32 +
    rank, where exclusions rank before steps, and steps by their order. From the last step to the first, every moment is
    linked with the nearest later one that continues the chain, so that every entry finds its whole chain beside it. -#}
{%- macro funnel_linked_chains(plan, sources) -%}
{%- set never, count, first_rank = funnel_never(), plan.steps | length, plan.exclusions | length - 1 -%}
{%- set rank_of = funnel_rank_of(plan) -%}
{%- set by_event, by_channel = plan.breakdowns | rejectattr('column', 'equalto', 'channel') | list, plan.breakdowns | selectattr('column', 'equalto', 'channel') | list -%}
{%- set at_entry, at_last = by_event | selectattr('at', 'equalto', 1) | list, by_event | selectattr('at', 'equalto', 'last') | list -%}
{%- set at_step = by_event | reject('in', at_entry + at_last) | list -%}
select
    {{ funnel_columns(plan) }}
from (
    select
        *,
        chain.1 as day,
        chain.3 as chain_at,
        {{ count }} - bitShiftRight(chain.2, 1) as furthest,
        bitAnd(chain.2, 1) as excluded,
        arraySlice([{% for number in range(1, count + 1) %}chain.{{ number + 2 }}{{ ', ' if not loop.last }}{% endfor %}], 1, furthest) as step_moments,
        {%- if at_entry %}
        splitByChar('\x1f', transform(toUInt32(chain.{{ 3 + count }}), arrayEnumerate({{ funnel_value_list(plan, at_entry, sources) }} as value_list), value_list, '')) as entry_values,
        {%- endif %}
        {%- for breakdown in at_entry %}
        entry_values[{{ loop.index }}] as value_{{ breakdown.number }},
        {%- endfor %}
        {%- for breakdown in at_step %}
        if(furthest >= {{ breakdown.at }}, tupleElement(arrayFirst(row -> row.1 = step_moments[{{ breakdown.at }}], rows_{{ breakdown.number }}), 3), '') as value_{{ breakdown.number }},
        {%- endfor %}
        {%- for breakdown in at_last %}
        tupleElement(arrayFirst(row -> row.1 = step_moments[-1] and row.2 = furthest, rows_{{ breakdown.number }}), 4) as value_{{ breakdown.number }},
        {%- endfor %}
        {%- for breakdown in by_channel %}
        {%- if breakdown.at == 'last' %}
        tupleElement(arrayLast(visit -> visit.1 <= step_moments[-1], visits), 2) as value_{{ breakdown.number }},
        {%- else %}
        if(furthest >= {{ breakdown.at }} and step_moments[{{ breakdown.at }}] != {{ never }}, tupleElement(arrayLast(visit -> visit.1 <= step_moments[{{ breakdown.at }}], visits), 2), '') as value_{{ breakdown.number }},
        {%- endif %}
        {%- endfor %}
        chain_at = best_at as is_best
    from (
        select
            person_id,
            {%- for breakdown in at_step + at_last %}
            rows_{{ breakdown.number }},
            {%- endfor %}
            {%- if by_channel %}
            visits,
            {%- endif %}
            arrayMap(time -> {{ reporting_date("fromUnixTimestamp64Milli(time, 'UTC')") }}, entry_times) as days,
            arrayPushFront(arrayPopBack(days), days[1] + 1) as days_before,
            {{ funnel_linked_ranks(plan) }} as ranks,
            {%- if plan.reentry == 'first' %}
            arrayMap((day, day_before) -> day != day_before, days, days_before) as kept,
            {%- else %}
            arrayMap((day, day_before, rank, rank_before) -> day != day_before or rank < rank_before, days, days_before, ranks, arrayPushFront(arrayPopBack(ranks), 0)) as kept,
            {%- endif %}
            arrayMap(
                (day, rank, moments, key) -> (day, rank{% for number in range(1, count + 1) %}, moments.{{ number }}{% endfor %}, bitAnd(key, 65535)),
                arrayFilter((value, keep) -> keep, days, kept),
                arrayFilter((value, keep) -> keep, ranks, kept),
                arrayFilter((value, keep) -> keep, entries, kept),
                arrayFilter((value, keep) -> keep, entry_keys, kept)
            ) as chains,
            {%- if plan.reentry == 'first' %}
            chains as daily_chains,
            chains[1].3 as best_at,
            {%- else %}
            arraySort(chain -> bitShiftLeft(toUInt64(chain.1), 48) + bitShiftLeft(toUInt64(chain.2), 42) + toUInt64(chain.3), chains) as sorted_chains,
            arrayFilter((chain, day_before) -> chain.1 != day_before, sorted_chains, arrayPushFront(arrayPopBack(tupleElement(sorted_chains, 1)), sorted_chains[1].1 + 1)) as daily_chains,
            bitAnd(arrayMin(chain -> bitShiftLeft(toUInt64(chain.2), 42) + toUInt64(chain.3), daily_chains), 4398046511103) as best_at,
            {%- endif %}
            arrayJoin(daily_chains) as chain
            from (
                select
                    *,
                    arrayFilter(key -> {{ rank_of }} = {{ first_rank + 1 }}, keys) as entry_keys,
                    arrayMap(key -> bitShiftRight(key, {{ 21 if at_entry else 5 }}), entry_keys) as entry_times,
                    {%- if plan.reachable[0] or plan.exclusions %}
                    arrayFilter(key -> {{ rank_of }} != {{ first_rank + 1 }}, keys) as later_keys,
                    arrayMap(key -> {{ rank_of }}, later_keys) as codes,
                    arrayMap(key -> bitShiftRight(key, {{ 21 if at_entry else 5 }}), later_keys) as times,
                    arrayPushBack(arrayFilter((position, key) -> {{ rank_of }} != {{ first_rank + 1 }}, arrayEnumerate(keys), keys), length(keys) + 1) as positions,
                    arrayMap((position, position_before) -> position - position_before - 1, positions, arrayPushFront(arrayPopBack(positions), 0)) as entries_before,
                    {%- endif %}
                    {%- for exclusion in plan.exclusions %}
                    arrayReverseFill((time, code) -> code = {{ loop.index0 }}, arrayMap((time, code) -> if(code = {{ loop.index0 }}, time, {{ never }}), times, codes), codes) as excluded_{{ exclusion.number }},
                    {%- endfor %}
                    {%- for number in range(count, 1, -1) %}
                    arrayReverseFill((moments, code) -> code = {{ first_rank + number }}, {{ funnel_links(plan, number) }}, codes) as from_{{ number }},
                    {%- endfor %}
                    {{ funnel_links(plan, 1) }} as entries
                from (
                    {{ funnel_linked_people(plan, sources, at_entry, at_step, at_last) | indent(20) }}
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
)
{%- endmacro -%}

{#- One row per person: the sorted moments as `keys`, and the rows in which values of breakdowns are looked up. -#}
{%- macro funnel_linked_people(plan, sources, at_entry, at_step, at_last) -%}
{%- set first_rank, rank_of, once = plan.exclusions | length - 1, funnel_rank_of(plan), [] -%}
{%- for step in plan.steps if step.first_time -%}{%- do once.append(first_rank + step.number) -%}{%- endfor -%}
{%- set widen = ') * 65536' if at_entry else ')' -%}
{%- set with_value = ' + entry_value' if at_entry else '' -%}
{%- set arrays, ids = [], [] -%}
{%- if funnel_is_disjoint(plan.steps + plan.exclusions) -%}
    {%- do arrays.append('groupArray((at_ms * 32 + rank' ~ widen ~ with_value ~ ')') -%}
    {%- do ids.append('groupArray(id)') -%}
{%- else -%}
    {%- for exclusion in plan.exclusions -%}
        {%- do arrays.append('groupArrayIf((at_ms * 32 + ' ~ loop.index0 ~ widen ~ ', is_excluded_' ~ exclusion.number ~ ')') -%}
        {%- do ids.append('groupArrayIf(id, is_excluded_' ~ exclusion.number ~ ')') -%}
    {%- endfor -%}
    {%- do arrays.append('groupArrayIf((at_ms * 32 + ' ~ first_rank ~ ' + step' ~ widen ~ with_value ~ ', step > 0)') -%}
    {%- do ids.append('groupArrayIf(id, step > 0)') -%}
{%- endif -%}
select
    person_id,
    {{ 'arrayConcat(' ~ arrays | join(', ') ~ ')' if arrays | length > 1 else arrays[0] }} as unsorted_keys,
    {%- if at_entry %}
    {{ 'arrayConcat(' ~ ids | join(', ') ~ ')' if ids | length > 1 else ids[0] }} as unsorted_ids,
    arraySort(unsorted_keys) as keys_by_value,
    if(
        arrayExists(gap -> gap > 0 and gap < 65536, arrayDifference(keys_by_value)),
        arraySort((key, id) -> (bitShiftRight(key, 16), id), unsorted_keys, unsorted_ids),
        keys_by_value
    ) as all_keys,
    {%- else %}
    arraySort(unsorted_keys) as all_keys,
    {%- endif %}
    {%- if once %}
    arrayFilter((key, occurrence) -> occurrence = 1 or {{ rank_of }} not in ({{ once | join(', ') }}), all_keys, arrayEnumerateUniq(arrayMap(key -> {{ rank_of }}, all_keys))) as keys
    {%- else %}
    all_keys as keys
    {%- endif %}
    {%- for breakdown in at_step %},
    arraySort(row -> (row.1, row.2), groupArrayIf((at_ms, event_id, event_value_{{ breakdown.number }}), step = {{ breakdown.at }})) as rows_{{ breakdown.number }}
    {%- endfor %}
    {%- for breakdown in at_last %},
    arraySort(row -> (row.1, row.2, row.3), groupArrayIf((at_ms, step, event_id, event_value_{{ breakdown.number }}), step > 0)) as rows_{{ breakdown.number }}
    {%- endfor %}
from (
    {%- for source in funnel_sources_used(plan) %}
    {%- set mine, excluded = plan.steps | selectattr('source', 'equalto', source) | list, plan.exclusions | selectattr('source', 'equalto', source) | list %}
    select
        person_id,
        toUnixTimestamp64Milli(event_at) as at_ms,
        {%- if plan.breakdowns %}
        event_id,
        {%- if at_entry %}
        toUInt64(bitShiftRight(reinterpretAsUInt128(event_id), 64)) as id,
        {{ 'toUInt16(transform(' ~ funnel_entry_text(plan, at_entry) ~ ', ' ~ funnel_value_list(plan, at_entry, sources) ~ ' as value_list, arrayEnumerate(value_list), 0))' if source == plan.steps[0].source else 'toUInt16(0)' }} as entry_value,
        {%- endif %}
        {%- for breakdown in at_step + at_last %}
        toString({{ funnel_column(source, breakdown.column) }}) as event_value_{{ breakdown.number }},
        {%- endfor %}
        {%- endif %}
        {%- for exclusion in plan.exclusions %}
        {{ funnel_condition(exclusion) if exclusion in excluded else '0' }} as is_excluded_{{ exclusion.number }},
        {%- endfor %}
        toUInt8(multiIf({% for step in mine %}{{ funnel_condition(step) }}, {{ step.number }}, {% endfor %}{{ 'false, 0, ' if not mine }}0)) as step,
        multiIf(step > 0, step + {{ first_rank }}{% for exclusion in excluded %}, is_excluded_{{ exclusion.number }}, {{ exclusion.number - 1 }}{% endfor %}, 0) as rank
    from {{ sources[source] }}
    where {% for part in mine + excluded %}{{ funnel_condition(part) }}{{ ' or ' if not loop.last }}{% endfor %}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
)
group by person_id
having countIf(step = 1) > 0
{%- endmacro -%}

{#- SQL: the rank in a number of `keys`. With breakdowns at the entry the last 16 bits hold the values. -#}
{%- macro funnel_rank_of(plan) -%}
    {%- for breakdown in plan.breakdowns if breakdown.at == 1 and breakdown.column != 'channel' -%}
        {{ return('bitAnd(bitShiftRight(key, 16), 31)') }}
    {%- endfor -%}
    {{ return('bitAnd(key, 31)') }}
{%- endmacro -%}

{#- SQL: the values of all breakdowns at an entry in one text. -#}
{%- macro funnel_entry_text(plan, at_entry) -%}
    {%- set values = [] -%}
    {%- for breakdown in at_entry -%}{%- do values.append('toString(' ~ funnel_column(plan.steps[0].source, breakdown.column) ~ ')') -%}{%- endfor -%}
    {{ return(values[0] if values | length == 1 else 'concat(' ~ values | join(", '\\x1f', ") ~ ')') }}
{%- endmacro -%}

{#- All values of the breakdowns at entries: a value travels as its position in this list. -#}
{%- macro funnel_value_list(plan, at_entry, sources) -%}
    {%- set entry, text = plan.steps[0], funnel_entry_text(plan, at_entry) -%}
    {{ return('(select arraySort(groupUniqArray(65536)(' ~ text ~ ')) as found_values from ' ~ sources[entry.source] ~ ' where ' ~ funnel_condition(entry) ~ " having not throwIf(length(found_values) > 65535, 'funnel " ~ plan.name ~ ": its breakdowns have more than 65,535 values'))") }}
{%- endmacro -%}

{#- At every moment of step `number`: its time, the times of the steps after it (never where there is none), and for every
    exclusion the first excluded event after the chain has come to the exclusion's `from`. -#}
{%- macro funnel_links(plan, number) -%}
{%- set never, count, next_steps = funnel_never(), plan.steps | length, plan.reachable[number - 1] -%}
{%- set code, arguments, arrays = plan.exclusions | length - 1 + number, ['time', 'code'] if number > 1 else ['time'], ['times', 'codes'] if number > 1 else ['entry_times'] -%}
{%- for next_step in next_steps -%}
    {%- do arguments.append('link_' ~ next_step) -%}
    {%- do arrays.append('from_' ~ next_step if number > 1 else funnel_spread('from_' ~ next_step, funnel_nothing(count - next_step + 1 + plan.exclusions | length))) -%}
{%- endfor -%}
{%- for exclusion in plan.exclusions if number >= exclusion['from'] -%}
    {%- do arguments.append('after_' ~ exclusion.number) -%}
    {%- do arrays.append('excluded_' ~ exclusion.number if number > 1 else funnel_spread('excluded_' ~ exclusion.number, never)) -%}
{%- endfor -%}
{%- set fields, choices = ['time'], [] -%}
{%- for next_step in next_steps -%}
    {%- set within = plan.steps[next_step - 1].within -%}
    {%- do choices.append('link_' ~ next_step ~ '.1' if within is none else 'if(link_' ~ next_step ~ '.1 - time <= ' ~ within ~ ', link_' ~ next_step ~ '.1, ' ~ never ~ ')') -%}
{%- endfor -%}
{%- for field in range(number + 1, count + plan.exclusions | length + 1) -%}
    {%- set exclusion = plan.exclusions[field - count - 1] if field > count else none -%}
    {%- if exclusion and number >= exclusion['from'] -%}
        {%- do fields.append('after_' ~ exclusion.number) -%}
    {%- else -%}
        {%- set branches = [] -%}
        {%- for next_step in next_steps if field >= next_step -%}
            {%- set chosen = choices[next_steps.index(next_step)] -%}
            {%- set rest = [] -%}
            {%- for choice in choices -%}{%- if choice != chosen -%}{%- do rest.append(chosen ~ (' < ' if loop.index0 < next_steps.index(next_step) else ' <= ') ~ choice) -%}{%- endif -%}{%- endfor -%}
            {%- do branches.append(([chosen ~ ' < ' ~ never] + rest) | join(' and ') ~ ', link_' ~ next_step ~ '.' ~ (field - next_step + 1)) -%}
        {%- endfor -%}
        {%- do fields.append('multiIf(' ~ branches | join(', ') ~ ', ' ~ never ~ ')' if branches else never) -%}
    {%- endif -%}
{%- endfor -%}
{%- if number == 1 -%}
arrayMap({{ '(' ~ arguments | join(', ') ~ ')' }} -> tuple({{ fields | join(', ') }}), {{ arrays | join(', ') }})
{%- else -%}
arrayMap(({{ arguments | join(', ') }}) -> if(code = {{ code }}, tuple({{ fields | join(', ') }}), {{ funnel_nothing(fields | length) }}), {{ arrays | join(', ') }})
{%- endif -%}
{%- endmacro -%}

{#- A tuple of things that never happen. -#}
{%- macro funnel_nothing(fields) -%}
    {%- set nothing = [] -%}
    {%- for field in range(fields) -%}{%- do nothing.append(funnel_never()) -%}{%- endfor -%}
    {{ return('tuple(' ~ nothing | join(', ') ~ ')') }}
{%- endmacro -%}

{#- What stands at each moment that is no entry, repeated for the entries between the moment before and it. -#}
{%- macro funnel_spread(values, nothing) -%}
    {{ return('arrayFlatten(arrayMap((value, repeats) -> arrayWithConstant(repeats, value), arrayPushBack(' ~ values ~ ', ' ~ nothing ~ '), entries_before))') }}
{%- endmacro -%}

{#- How good the chain of each entry is, 0 for the best: steps that are missing * 2, and 1 if it contains an excluded event. -#}
{%- macro funnel_linked_ranks(plan) -%}
    {%- set count, tests, time_of = plan.steps | length, [], [] -%}
    {%- for step in plan.steps -%}{%- do time_of.append('moments.' ~ step.number) -%}{%- endfor -%}
    {%- for exclusion in plan.exclusions -%}
        {%- do tests.append('(furthest >= ' ~ exclusion['from'] ~ ' and moments.' ~ (count + exclusion.number) ~ ' <= ' ~ funnel_until(plan, exclusion, time_of, 'moments.1') ~ ')') -%}
    {%- endfor -%}
    {%- set branches = [] -%}
    {%- for number in range(count, 1, -1) -%}
        {%- do branches.append('moments.' ~ number ~ ' - moments.1 <= ' ~ plan.window ~ ', ' ~ number) -%}
    {%- endfor -%}
    {%- set furthest = 'multiIf(' ~ branches | join(', ') ~ ', 1)' if branches else '1' -%}
    arrayMap(
        moments -> toUInt8(({{ count }} - ({{ furthest }} as furthest)) * 2{% if tests %} + ({{ tests | join(' or ') }}){% endif %}),
        entries
    )
{%- endmacro -%}
