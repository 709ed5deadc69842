{#- Whether a chain's window is over: nothing that is still to be received can lengthen it. The window includes its last moment. -#}
{%- macro funnel_is_complete(chains, period) -%}
    {{ chains }}.window_ends_at < {{ funnel_known_until(period) }}
{%- endmacro -%}

{#- The moment up to which events are known: the newest receipt, and never past the end of the as-of date. -#}
{%- macro funnel_known_until(period) -%}
    least({{ period }}.complete_until, {{ start_of_reporting_date(period ~ '.as_of_date + 1') }})
{%- endmacro -%}

{#- Whether the window of every possible entry of a day is over. -#}
{%- macro funnel_day_is_complete(day, window_ms, period) -%}
    {{ start_of_reporting_date(day ~ ' + 1') }} + toIntervalMillisecond({{ window_ms }}) <= {{ funnel_known_until(period) }}
{%- endmacro -%}

{#- The variable `bottleneck_benchmark`, checked. -#}
{%- macro funnel_benchmark() -%}
    {%- set benchmark = var('bottleneck_benchmark') -%}
    {%- if execute and benchmark not in ['trailing_median', 'best_decile'] -%}
        {{ exceptions.raise_compiler_error('bottleneck_benchmark is ' ~ benchmark ~ '; it may be trailing_median or best_decile') }}
    {%- endif -%}
    {{ return(benchmark) }}
{%- endmacro -%}

{#- Wilson's interval of a rate at 95 %, lower or upper end; NULL of nothing (Wilson 1927, JASA 22, 209–212). When nobody
    succeeded the lower end is 0, and when everybody did the upper end is 1: computed, it may miss the rate by the last digit. -#}
{%- macro wilson(end, successes, trials) -%}
    {%- set z = '1.959963984540054' -%}
    if(
        {{ trials }} > 0 and {{ successes }} = {{ '0' if end == 'lower' else trials }},
        {{ '0' if end == 'lower' else '1' }},
        ({{ successes }} + {{ z }} * {{ z }} / 2 {{ '-' if end == 'lower' else '+' }} {{ z }} * sqrt(
            {{ successes }} * ({{ trials }} - toFloat64({{ successes }})) / nullIf({{ trials }}, 0) + {{ z }} * {{ z }} / 4
        )) / ({{ trials }} + {{ z }} * {{ z }})
    )
{%- endmacro -%}

{#- Rate with its interval, as the columns <name>, <name>_lower, <name>_upper; NULL of nothing. -#}
{%- macro rate_columns(name, successes, trials) -%}
    cast({{ successes }} / nullIf({{ trials }}, 0) as Nullable(Float64)) as {{ name }},
    cast({{ wilson('lower', successes, trials) }} as Nullable(Float64)) as {{ name }}_lower,
    cast({{ wilson('upper', successes, trials) }} as Nullable(Float64)) as {{ name }}_upper
{%- endmacro -%}

{#- People whose furthest step is at least `step`, from the map (furthest steps, people) that sumMap answers. -#}
{%- macro funnel_users_from(people_by_furthest_step, step) -%}
    arraySum(
        arrayMap(
            (furthest, people) -> if(furthest >= {{ step }}, people, 0),
            {{ people_by_furthest_step }}.1,
            {{ people_by_furthest_step }}.2
        )
    )
{%- endmacro -%}
