{#- Amounts of days, given as numbers from 0, laid into one array of all days; days without an amount have `nothing`. -#}
{%- macro amounts_by_day(amount, number_of_day, days, nothing='toDecimal128(0, 12)') -%}
    arrayResize(groupArrayInsertAt({{ nothing }})({{ amount }}, toUInt32({{ number_of_day }})), {{ days }}, {{ nothing }})
{%- endmacro -%}

{#- The smallest value that at least a share of all do not exceed, each value so many times: Hyndman and Fan's definition 1,
    as in histogram_quantile. -#}
{%- macro exact_quantile(share, value, times) -%}
    quantileExactWeighted({{ share }})({{ value }}, {{ times }})
{%- endmacro -%}

{#- The same of several shares, as a state that merges: merged_quantiles makes an array of values of any number of states. -#}
{%- macro exact_quantiles_state(shares, value, times) -%}
    quantilesExactWeightedState({{ shares | join(', ') }})({{ value }}, {{ times }})
{%- endmacro -%}

{%- macro merged_quantiles(shares, state) -%}
    quantilesExactWeightedMerge({{ shares | join(', ') }})({{ state }})
{%- endmacro -%}
