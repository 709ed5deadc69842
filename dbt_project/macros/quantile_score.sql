{#- Which of `bins` quantile bins a value falls into, from 1 for the lowest, with equal values in the same bin.

    The edges are the quantiles of Hyndman and Fan (1996, The American Statistician 50, definition 1: the inverse of the
    empirical distribution function), bins are closed on the right as in pandas.qcut. For n values that is
    1 + floor(bins * (number of smaller values) / n), in whole numbers: no interpolation, no floats, no ties to break.
    With `group`, values are compared within it: each month is scored by itself.
    Consequences: one customer scores 1; when all are equal, all score 1; fewer customers than bins leave bins empty. -#}
{%- macro quantile_score(value, bins, group=none) -%}
    {%- set part = 'partition by ' ~ group if group else '' -%}
    1 + intDiv({{ bins }} * (rank() over ({{ part ~ ' ' if part }}order by {{ value }} asc) - 1), count() over ({{ part }}))
{%- endmacro -%}

{#- The edges between the bins, from all values, sorted: a value's quantile_score is 1 + the number of edges below it, since
    at least k·n/bins of n values are smaller just when the one at that place, rounded up, is. Cheaper than ranks where many values are scored. -#}
{%- macro quantile_edges(sorted_values, bins) -%}
    arrayMap(
        bin -> {{ sorted_values }}[intDiv(bin * length({{ sorted_values }}) + {{ bins }} - 1, {{ bins }})], range(1, {{ bins }})
    )
{%- endmacro -%}
