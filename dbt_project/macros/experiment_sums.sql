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

{#- Sums over people of the product of each measure with each, row by row: what ratios need. Both orders are one sum. -#}
{%- macro experiment_products(horizon) -%}
    {%- set products = [] -%}
    {%- for one in range(1, experiment_measures() | length + 1) -%}
        {%- for other in range(1, experiment_measures() | length + 1) -%}
            {%- do products.append('sum(' ~ horizon ~ '_' ~ [one, other] | min ~ ' * ' ~ horizon ~ '_' ~ [one, other] | max ~ ')') -%}
        {%- endfor -%}
    {%- endfor -%}
    [{{ products | join(', ') }}]
{%- endmacro -%}
