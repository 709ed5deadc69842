{{ config(order_by='(experiment_id, metric, horizon, breakdown, breakdown_value, arm)') }}
{%- set sums = experiment_cell_sums() -%}
{%- set means = ['outcome', 'pre', 'denominator', 'pre_denominator'] -%}
{%- set centred = {
    'outcome_centred_squares': ('outcome_square_sum', 'outcome_sum', 'outcome_sum'),
    'pre_centred_squares': ('pre_square_sum', 'pre_sum', 'pre_sum'),
    'pre_outcome_centred_products': ('pre_outcome_sum', 'pre_sum', 'outcome_sum'),
    'denominator_centred_squares': ('denominator_square_sum', 'denominator_sum', 'denominator_sum'),
    'outcome_denominator_centred_products': ('outcome_denominator_sum', 'outcome_sum', 'denominator_sum'),
    'pre_denominator_centred_squares': ('pre_denominator_square_sum', 'pre_denominator_sum', 'pre_denominator_sum'),
    'pre_pre_denominator_centred_products': ('pre_pre_denominator_sum', 'pre_sum', 'pre_denominator_sum'),
    'outcome_pre_denominator_centred_products': ('outcome_pre_denominator_sum', 'outcome_sum', 'pre_denominator_sum'),
    'denominator_pre_centred_products': ('denominator_pre_sum', 'denominator_sum', 'pre_sum'),
    'denominator_pre_denominator_centred_products': (
        'denominator_pre_denominator_sum', 'denominator_sum', 'pre_denominator_sum'
    ),
} -%}

with
broken_down as (
    select
        cells.*,
        arrayJoin([('all', 'all'), ('country', country), ('device_type', device_type)]) as part
    from {{ ref('experiment_cells') }} as cells
),

added as (
    select
        experiment_id,
        arm,
        metric,
        horizon,
        part.1 as breakdown,
        part.2 as breakdown_value,
        {%- for name in sums %}
        sum(broken_down.{{ name }}) as {{ name }},
        {%- endfor %}
        sum(broken_down.people) as people,
        sum(broken_down.immature_people) as immature_people
    from broken_down
    group by experiment_id, arm, metric, horizon, breakdown, breakdown_value
),

defined as (
    select
        added.*,
        metrics.kind as kind,
        added.experiment_id in (
            select plans.experiment_id from {{ ref('experiment_settings') }} as plans
            where plans.may_grow
        ) as may_grow,
        metrics.kind = 'ratio' as is_ratio
    from added
    inner join {{ ref('experiment_metric_catalogue') }} as metrics on added.metric = metrics.metric
)

select
    -- ids
    cast(experiment_id as String) as experiment_id,
    -- strings
    cast(arm as String) as arm,
    cast(metric as String) as metric,
    cast(kind as String) as kind,
    cast(horizon as String) as horizon,
    cast(breakdown as String) as breakdown,
    cast(breakdown_value as String) as breakdown_value,
    -- exact sums
    cast(people as UInt64) as people,
    cast(immature_people as UInt64) as immature_people,
    {%- for name, (_, factors) in sums.items() %}
    {%- set type = 'Decimal(38, ' ~ 2 * (factors | length) ~ ')' %}
    {%- if 'denominator' in factors %}
    cast(if(is_ratio, defined.{{ name }}, null) as Nullable({{ type }})) as {{ name }},
    {%- else %}
    cast(defined.{{ name }} as {{ type }}) as {{ name }},
    {%- endif %}
    {%- endfor %}
    -- what tests start from
    {%- for name in means %}
    cast(
        if(
            {{ 'is_ratio' if 'denominator' in name else 'true' }},
            toFloat64(defined.{{ name }}_sum) / nullIf(people, 0),
            null
        ) as Nullable(Float64)
    ) as {{ name }}_mean,
    {%- endfor %}
    {%- for name, (products, left, right) in centred.items() %}
    cast(
        if(
            {{ 'is_ratio' if 'denominator' in name else 'true' }},
            {{ centred_product('people', 'defined.' ~ products, 'defined.' ~ left, 'defined.' ~ right) }},
            null
        ) as Nullable(Float64)
    ) as {{ name }},
    {%- endfor %}
    -- booleans
    cast(immature_people = 0 and horizon = 'window' and not may_grow as Bool) as is_complete
from defined
