{#- Chains of one funnel: for each person and entry day the best chain that begins on it (with `reentry: first` the first
    one). `sources` names the relations to read: events, revenue, sessions. docs/funnels.md holds the definition.

    When no event can fill two steps or come too early for one, and the order counts but is not strict, a chain is found by
    looking backwards (funnel_linked_chains), which costs little; else every entry is walked through event by event
    (funnel_walked_chains). -#}
{%- macro funnel_query(plan, sources) -%}
    {%- if plan.order == 'ordered' and funnel_is_disjoint(plan.steps) and not plan.steps | selectattr('after') | list -%}
        {{ return(funnel_linked_chains(plan, sources)) }}
    {%- endif -%}
    {{ return(funnel_walked_chains(plan, sources)) }}
{%- endmacro -%}

{#- Later than every moment: marks what did not happen. -#}
{%- macro funnel_never() -%}{{ return('toInt64(4611686018427387903)') }}{%- endmacro -%}

{#- Columns of a row of person_funnels, from `chain_at`, `day`, `furthest`, `excluded`, `step_moments`, `is_best` and `value_<n>`. -#}
{%- macro funnel_columns(plan) -%}
    {{ funnel_text(plan.name) }} as funnel,
    person_id,
    map({% for breakdown in plan.breakdowns %}{{ funnel_text(breakdown.name) }}, toString(value_{{ breakdown.number }}){{ ', ' if not loop.last }}{% endfor %})::Map(String, String) as breakdown_values,
    toUInt8(furthest) as furthest_step,
    toUInt32(arraySum(arrayMap((time, number) -> if(time = {{ funnel_never() }}, 0, bitShiftLeft(1, number - 1)), step_moments, arrayEnumerate(step_moments)))) as steps_done,
    excluded::Bool as is_excluded,
    is_best::Bool as is_best,
    day as entry_date,
    fromUnixTimestamp64Milli(chain_at, 'UTC') as entered_at,
    fromUnixTimestamp64Milli(chain_at + {{ plan.window }}, 'UTC') as window_ends_at,
    arrayMap(time -> if(time = {{ funnel_never() }}, null, fromUnixTimestamp64Milli(if(time = {{ funnel_never() }}, 0, time), 'UTC')), step_moments)::Array(Nullable(DateTime64(3, 'UTC'))) as step_times
{%- endmacro -%}

{#- Sources that the steps and exclusions of a funnel read. -#}
{%- macro funnel_sources_used(plan) -%}
    {%- set used = [] -%}
    {%- for part in plan.steps + plan.exclusions if part.source not in used -%}{%- do used.append(part.source) -%}{%- endfor -%}
    {{ return(used) }}
{%- endmacro -%}

{#- SQL: the values of the breakdowns at one event of a source. Channels are looked up in the sessions. -#}
{%- macro funnel_event_values(plan, source) -%}
    {%- set values = [] -%}
    {%- for breakdown in plan.breakdowns if breakdown.column != 'channel' -%}
        {%- do values.append('toString(' ~ funnel_column(source, breakdown.column) ~ ') as event_value_' ~ breakdown.number) -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro -%}

{#- SQL: the last moment at which an excluded event still falls between the two steps of an exclusion: just before the chain came
    to `to`, or else when its time was over. `time_of` holds the SQL of each step's time, `entry` that of the entry. -#}
{%- macro funnel_until(plan, exclusion, time_of, entry) -%}
    {%- set branches = [] -%}
    {%- set reached = [] -%}
    {%- for number in range(exclusion.to, plan.steps | length + 1) -%}{%- do reached.append(time_of[number - 1]) -%}{%- endfor -%}
    {%- do branches.append('furthest >= ' ~ exclusion.to ~ ', ' ~ ('least(' ~ reached | join(', ') ~ ')' if reached | length > 1 else reached[0]) ~ ' - 1') -%}
    {%- for position in range(exclusion['from'], exclusion.to) -%}
        {%- set limits = [] -%}
        {%- for next_step in plan.reachable[position - 1] -%}{%- do limits.append(plan.steps[next_step - 1].within) -%}{%- endfor -%}
        {%- if none not in limits -%}
            {%- do branches.append('furthest = ' ~ position ~ ', least(' ~ entry ~ ' + ' ~ plan.window ~ ', ' ~ time_of[position - 1] ~ ' + ' ~ limits | max ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('multiIf(' ~ branches | join(', ') ~ ', ' ~ entry ~ ' + ' ~ plan.window ~ ')') }}
{%- endmacro -%}
