{#- Two-sided p-value of "both rates are equal", pooled two-proportion z-test; NULL where one side is empty or nobody or
    everybody succeeded. -#}
{%- macro two_proportion_p_value(successes, trials, other_successes, other_trials) -%}
    {%- set all_successes, all_trials = '(' ~ successes ~ ' + ' ~ other_successes ~ ')', '(' ~ trials ~ ' + ' ~ other_trials ~ ')' -%}
    if(
        {{ trials }} = 0 or {{ other_trials }} = 0 or {{ all_successes }} = 0 or {{ all_successes }} = {{ all_trials }},
        null,
        erfc(
            abs({{ successes }} / {{ trials }} - {{ other_successes }} / {{ other_trials }})
            / sqrt(
                {{ all_successes }} / {{ all_trials }} * (1 - {{ all_successes }} / {{ all_trials }})
                * (1 / {{ trials }} + 1 / {{ other_trials }})
            )
            / sqrt(2)
        )
    )
{%- endmacro -%}

{#- Benjamini and Hochberg (1995): the smallest of p * tests / rank over this and all larger p-values of the family, at most 1.
    `rank_column` counts the p-values of the family that are not larger. NULL stays NULL and is no test. -#}
{%- macro benjamini_hochberg(p_value, rank_column, family) -%}
    if(
        {{ p_value }} is null,
        null,
        least(
            1,
            min({{ p_value }} * (tests / {{ rank_column }})) over (
                partition by {{ family }} order by {{ p_value }} desc nulls last
                range between unbounded preceding and current row
            )
        )
    )
{%- endmacro -%}

{#- How often something counts in a resample: 1 in resample 0, else a Poisson(1) variable made from a hash of its key. -#}
{%- macro bootstrap_weight(resample, key) -%}
    if(
        {{ resample }} = 0,
        1,
        arrayCount(
            threshold -> cityHash64({{ key }}, {{ resample }}) / 18446744073709551616 >= threshold,
            [0.36787944117144233, 0.7357588823428847, 0.9196986029286058, 0.9810118431238462, 0.9963401531726563,
             0.9994058151824183, 0.999916758850712, 0.9999897508033253, 0.9999988747974020]
        )
    )
{%- endmacro -%}
