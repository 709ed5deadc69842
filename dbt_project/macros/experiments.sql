{#- What is counted of a person before and after an exposure. Metrics of experiments are made of these. -#}
{%- macro experiment_measures() -%}
    {{ return([
        'sign_ups', 'trials', 'paid_trials', 'calculators_completed', 'sessions', 'active_days', 'orders', 'net_revenue'
    ]) }}
{%- endmacro -%}

{#- Place of a measure, given by name, in the arrays of experiment_values(); 0 for none. -#}
{%- macro experiment_measure_position(measure) -%}
    indexOf(['{{ experiment_measures() | join("', '") }}'], {{ measure }})
{%- endmacro -%}

{#- Place of a conversion, given by name, in experiment_values(), where these stand behind the measures. -#}
{%- macro experiment_conversion_position(measure) -%}
    {{ experiment_measures() | length }} + indexOf(['{{ experiment_conversions() | join("', '") }}'], {{ measure }})
{%- endmacro -%}

{#- Measures that are conversions: the first time after the exposure is kept. -#}
{%- macro experiment_conversions() -%}
    {{ return(['sign_ups', 'trials', 'paid_trials', 'calculators_completed', 'orders']) }}
{%- endmacro -%}

{#- Chance of a chi-square of at least this much when nothing is wrong: the regularised upper incomplete gamma function
    Q(degrees / 2, chi_square / 2), in its closed forms (Abramowitz and Stegun 26.4.4 and 26.4.5).

        even degrees   e^(-h) · Σ_{j=0}^{degrees/2 - 1} h^j / Γ(j + 1)                          h = chi_square / 2
        odd degrees    erfc(√h) + e^(-h) · Σ_{j=1}^{(degrees-1)/2} h^(j - 1/2) / Γ(j + 1/2)

    Terms are powers of e, so that none overflows before the others make it small. NULL without a degree. -#}
{%- macro chi_square_p_value(chi_square, degrees) -%}
    {%- set half = 'greatest(coalesce(' ~ chi_square ~ ', 0), 0) / 2' -%}
    {%- set degrees_from_0 = 'greatest(toInt32(coalesce(' ~ degrees ~ ', 0)), 0)' -%}
    multiIf(
        {{ chi_square }} is null or {{ degrees_from_0 }} = 0, null,
        {{ chi_square }} <= 0, 1,
        if({{ degrees_from_0 }} % 2 = 1, erfc(sqrt({{ half }})), 0)
        + arraySum(
            power -> exp(power * log({{ half }}) - {{ half }} - lgamma(power + 1)),
            arrayMap(term -> term + ({{ degrees_from_0 }} % 2) / 2, range(toUInt32(intDiv({{ degrees_from_0 }}, 2))))
        )
    )
{%- endmacro -%}

{#- Sum of (x - mean of x) · (y - mean of y) from the exact sums of n pairs. The difference that loses digits is taken in
    whole numbers; only its result becomes a float. NULL of nobody. -#}
{%- macro centred_product(people, sum_of_products, sum_x, sum_y) -%}
    toFloat64(
        toDecimal256({{ sum_of_products }}, 4) * {{ people }}
        - toDecimal256({{ sum_x }}, 2) * toDecimal256({{ sum_y }}, 2)
    ) / nullIf({{ people }}, 0)
{%- endmacro -%}
