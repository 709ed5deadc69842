{#- Histograms: Map(value, how often), sorted by value, of whole numbers. Unlike a quantile they add up: sumMap merges
    days or countries in any order and any parts to the same map, and no value is lost.

    The rows that a histogram is made of are counted by value first (`group by …, value`), so that only different
    values are collected. -#}
{%- macro histogram(value, frequency, condition) -%}
    cast(arraySort(groupArrayIf(({{ value }}, {{ frequency }}), {{ condition }})) as Map(UInt32, UInt64))
{%- endmacro -%}

{#- The same of rows of which a few share a value, as requests of one minute from several countries do: counting by value
    first would group all rows a second time, so only histograms in which a value repeats are summed. -#}
{%- macro summed_histogram(value, frequency) -%}
    arrayMap(
            counts -> if(
                arrayUniq(mapKeys(counts)) = length(counts),
                counts,
                cast(arrayReduce('sumMap', [mapKeys(counts)], [mapValues(counts)]) as Map(UInt32, UInt64))
            ),
            [{{ histogram(value, frequency, 'true') }}]
        )[1]
{%- endmacro -%}

{#- The smallest value that at least `percent` of all values do not exceed: Hyndman and Fan's definition 1, as in
    quantile_score, in whole numbers. NULL for an empty histogram. Of a longer period:
    quantileExactWeightedArray(0.95)(mapKeys(histogram), mapValues(histogram)), which is the same definition. -#}
{%- macro histogram_quantile(histogram, percent) -%}
    if(
        empty({{ histogram }}),
        null,
        arrayFirst(
            (value, passed) -> passed * 100 >= {{ percent }} * arraySum(mapValues({{ histogram }})),
            mapKeys({{ histogram }}),
            arrayCumSum(mapValues({{ histogram }}))
        )
    )
{%- endmacro -%}
