{#- The rule-based models of attribution, in the order in which the arrays of credit hold them. -#}
{%- macro attribution_models() -%}
    {{ return(['first', 'last', 'last_non_direct', 'linear', 'position', 'time_decay']) }}
{%- endmacro -%}

{#- Type of the touches of a person, in order. -#}
{%- macro touches_type() -%}
    Array(Tuple(touched_at DateTime64(3, \'UTC\'), channel String, campaign String, country String))
{%- endmacro -%}

{#- The parts of a conversion, in whole numbers, that each touch gets: one array per model, in the order above.

    Whole numbers, so that credit is exact. Position gives the first and the last touch `attribution_position_end_percent`
    each and parts the rest among the n - 2 between them; both are multiplied by n - 2. Only time decay is not rational:
    shares depend on how much older touches are than the newest one, so it gets 2^30 parts however old it is, and the
    others what they weigh beside it. -#}
{%- macro attribution_parts(touches) -%}
    {%- set end = var('attribution_position_end_percent') | int -%}
    {%- set half_life = (var('attribution_half_life_days') | int) * 86400000 -%}
    [
        arrayMap(place -> toUInt64(place = 1), arrayEnumerate({{ touches }})),
        arrayMap(place -> toUInt64(place = length({{ touches }})), arrayEnumerate({{ touches }})),
        arrayMap(
            place -> toUInt64(
                place = coalesce(
                    nullIf(arrayLastIndex(touch -> touch.channel != 'direct', {{ touches }}), 0), length({{ touches }})
                )
            ),
            arrayEnumerate({{ touches }})
        ),
        arrayMap(touch -> toUInt64(1), {{ touches }}),
        arrayMap(
            place -> toUInt64(
                multiIf(
                    length({{ touches }}) < 3, 1,
                    place in (1, length({{ touches }})), {{ end }} * (length({{ touches }}) - 2),
                    {{ 100 - 2 * end }}
                )
            ),
            arrayEnumerate({{ touches }})
        ),
        arrayMap(
            touch -> toUInt64(
                round(
                    exp2(
                        -dateDiff('millisecond', touch.touched_at, tupleElement({{ touches }}[-1], 'touched_at'))
                        / {{ half_life }}
                    ) * exp2(30)
                )
            ),
            {{ touches }}
        )
    ]
{%- endmacro -%}

{#- Millionths of a conversion by touch, from whole parts. Each touch gets the millionths between the rounded-down credit of
    all touches before it and that of all touches up to it: no touch is off by a whole millionth, and the sum is exactly one
    conversion. -#}
{%- macro millionths(parts) -%}
    arrayPopFront(
        arrayDifference(
            arrayMap(
                parts_so_far -> intDiv(parts_so_far * 1000000, arraySum({{ parts }})),
                arrayPushFront(arrayCumSum({{ parts }}), 0)
            )
        )
    )
{%- endmacro -%}

{#- A quotient of exact figures rounded to `digits` decimals, half away from zero; NULL where there is nothing to divide by. -#}
{%- macro exact_quotient(numerator, denominator, digits) -%}
    cast(
        if(
            {{ denominator }} = 0,
            null,
            round(
                divideDecimal(
                    toDecimal256({{ numerator }}, 18), toDecimal256(if({{ denominator }} = 0, 1, {{ denominator }}), 18), 18
                ),
                {{ digits }}
            )
        ) as Nullable(Decimal(18, {{ digits }}))
    )
{%- endmacro -%}

{#- Channels of a path in order, as people write it: `email > direct > email`. -#}
{%- macro path_of_channels(channels) -%}
    arrayStringConcat({{ channels }}, ' > ')
{%- endmacro -%}

{#- The set of channels of a path, each once and sorted: `direct + email`. -#}
{%- macro set_of_channels(channels) -%}
    arrayStringConcat(arraySort(arrayDistinct({{ channels }})), ' + ')
{%- endmacro -%}

{#- Days that are over and lie in the data. -#}
{%- macro finished_days() -%}
    select days.day from {{ ref('reporting_days') }} as days
    where not days.is_partial
{%- endmacro -%}

{#- Months of which every day is over and lies in the data. -#}
{%- macro finished_months() -%}
    select toStartOfMonth(days.day) as month
    from {{ ref('reporting_days') }} as days
    where not days.is_partial
    group by month
    having count() = toDayOfMonth(toLastDayOfMonth(month))
{%- endmacro -%}

{#- Until when conversions are known, as one row: a path whose look-back ends later may still convert. -#}
{%- macro paths_known_until() -%}
    select least(complete_until, {{ start_of_reporting_date('as_of_date + 1') }}) as known_until
    from {{ ref('reporting_period') }}
{%- endmacro -%}
