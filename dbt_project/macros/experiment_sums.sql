{#- The measures of a person in one horizon as whole numbers, money in cents, in the order of experiment_measures(); then
    whether each of experiment_conversions() happened. Squares of cents need more than 64 bits. -#}
{%- macro experiment_values(horizon) -%}
    {%- set values = [] -%}
    {%- for measure in experiment_measures() -%}
        {%- set column = horizon ~ '_' ~ measure -%}
        {%- do values.append('toInt128(' ~ column ~ ' * 100)' if measure == 'net_revenue' else 'toInt64(' ~ column ~ ')') -%}
    {%- endfor -%}
    {%- for measure in experiment_conversions() -%}
        {%- do values.append(horizon ~ '_' ~ measure ~ ' > 0') -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro -%}

{#- Sums over people of the values of one horizon, or of their products with the same values of another. The values are
    columns <horizon>_<place in experiment_values()>. -#}
{%- macro experiment_sums(horizon, other=none) -%}
    [
    {%- for _ in experiment_values(horizon) -%}
        sum({{ horizon }}_{{ loop.index }}{{ ' * ' ~ other ~ '_' ~ loop.index if other }}){{ ', ' if not loop.last }}
    {%- endfor -%}
    ]
{%- endmacro -%}

{#- Sums over people of the product of each measure of one horizon with each of another, row by row: what ratios need. Within
    one horizon both orders are one sum. -#}
{%- macro experiment_products(horizon, other) -%}
    {%- set products = [] -%}
    {%- for one in range(1, experiment_measures() | length + 1) -%}
        {%- for two in range(1, experiment_measures() | length + 1) -%}
            {%- set places = [one, two] | sort if horizon == other else [one, two] -%}
            {%- do products.append('sum(' ~ horizon ~ '_' ~ places[0] ~ ' * ' ~ other ~ '_' ~ places[1] ~ ')') -%}
        {%- endfor -%}
    {%- endfor -%}
    [{{ products | join(', ') }}]
{%- endmacro -%}

{#- Place in experiment_products() of the product of two measures, given by their places; 0 where one is missing. -#}
{%- macro experiment_product_position(one, two) -%}
    if({{ one }} = 0 or {{ two }} = 0, 0, ({{ one }} - 1) * {{ experiment_measures() | length }} + {{ two }})
{%- endmacro -%}

{#- The sums that experiment_metrics keeps of a cell, by name: where experiment_cells picks each from, and the values that it is
    made of, which say its scale. Those with a denominator are for ratios only. Together they are all second moments of
    outcome, denominator and both before the exposure, from which CUPED follows for ratios too (Deng et al. 2013). -#}
{%- macro experiment_cell_sums() -%}
    {{ return({
        'outcome_sum': ('observed.2[metrics.outcome_position]', ['outcome']),
        'outcome_square_sum': ('observed.3[metrics.outcome_position]', ['outcome', 'outcome']),
        'pre_sum': ('pre_sums[metrics.outcome_position]', ['outcome']),
        'pre_square_sum': ('pre_squares[metrics.outcome_position]', ['outcome', 'outcome']),
        'pre_outcome_sum': ('observed.4[metrics.outcome_position]', ['outcome', 'outcome']),
        'denominator_sum': ('observed.2[metrics.denominator_position]', ['denominator']),
        'denominator_square_sum': ('observed.3[metrics.denominator_position]', ['denominator', 'denominator']),
        'outcome_denominator_sum': ('observed.5[metrics.above_below]', ['outcome', 'denominator']),
        'pre_denominator_sum': ('pre_sums[metrics.denominator_position]', ['denominator']),
        'pre_denominator_square_sum': ('pre_squares[metrics.denominator_position]', ['denominator', 'denominator']),
        'pre_pre_denominator_sum': ('pre_products[metrics.above_below]', ['outcome', 'denominator']),
        'outcome_pre_denominator_sum': ('observed.6[metrics.below_above]', ['outcome', 'denominator']),
        'denominator_pre_sum': ('observed.6[metrics.above_below]', ['outcome', 'denominator']),
        'denominator_pre_denominator_sum': ('observed.6[metrics.below_below]', ['denominator', 'denominator']),
    }) }}
{%- endmacro -%}
