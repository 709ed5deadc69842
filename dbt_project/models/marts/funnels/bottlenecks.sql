{{ config(order_by='(funnel, step)') }}
{% set benchmark = funnel_benchmark() %}

with
days as (
    select
        daily.funnel as funnel,
        daily.step as step,
        daily.step_name as step_name,
        daily.step_title as step_title,
        daily.entry_date as entry_date,
        daily.previous_users as previous_users,
        daily.users as users,
        argMax(daily.users, daily.step) over (partition by daily.funnel, daily.entry_date) as converted_users,
        judged_days.is_judged as is_judged,
        judged_days.last_date as last_date
    from {{ ref('funnel_daily') }} as daily
    inner join {{ ref('funnel_judged_days') }} as judged_days
        on daily.funnel = judged_days.funnel and daily.entry_date = judged_days.entry_date
),

resamples as (
    select number as resample from numbers({{ var('bottleneck_resamples') }} + 1)
),

{# Resample 0 is the data itself. In the others a day counts as often as a Poisson(1) variable says, drawn from a hash,
   so that building again gives the same interval; all steps of a day go together. #}
weighted as (
    select
        days.*,
        resamples.resample as resample,
        {{ bootstrap_weight('resamples.resample', 'days.funnel, days.entry_date') }} as weight,
        not days.is_judged and weight > 0 and days.previous_users >= {{ var('bottleneck_min_users') }} as is_benchmark
    from days
    cross join resamples
    where days.step > 1
),

measured as (
    select
        funnel,
        step,
        resample,
        any(step_name) as step_name,
        any(step_title) as step_title,
        minIf(entry_date, is_judged) as judged_from,
        any(last_date) as judged_until,
        sumIf(weight * previous_users, is_judged) as entrants,
        sumIf(weight * users, is_judged) as passed,
        passed / nullIf(entrants, 0) as rate,
        countIf(is_judged) / nullIf(sumIf(weight, is_judged), 0) as judged_per_drawn_day,
        sum(weight * users) as all_passed,
        sum(weight * converted_users) as all_converted,
        all_converted / nullIf(all_passed, 0) as conversion_after,
        groupArrayIf(users / greatest(previous_users, 1), is_benchmark) as day_rates,
        groupArrayIf(weight, is_benchmark) as day_weights
    from weighted
    group by funnel, step, resample
),

compared as (
    select
        measured.funnel as funnel,
        measured.step as step,
        measured.resample as resample,
        measured.step_name as step_name,
        measured.step_title as step_title,
        measured.judged_from as judged_from,
        measured.judged_until as judged_until,
        measured.entrants as entrants,
        measured.passed as passed,
        measured.all_passed as all_passed,
        measured.all_converted as all_converted,
        {% if benchmark == 'best_decile' %}
        segments.benchmark_rate as benchmark_rate,
        {% else %}
        if(
            empty(measured.day_rates),
            null,
            arrayReduce('quantileExactWeighted(0.5)', measured.day_rates, measured.day_weights)
        ) as benchmark_rate,
        {% endif %}
        {# `greatest` would pass over a benchmark that is unknown. How many days a resample drew says nothing about the
           loss: as many are judged in each. #}
        measured.entrants
        * measured.judged_per_drawn_day
        * if(benchmark_rate < measured.rate, 0, benchmark_rate - measured.rate)
        * measured.conversion_after as lost_conversions
    from measured
    left join {{ ref('funnel_segment_benchmarks') }} as segments
        on
            measured.funnel = segments.funnel
            and measured.step = segments.step
            and measured.resample = segments.resample
),

resampled as (
    select
        funnel,
        step,
        groupArrayIf(lost_conversions, resample > 0) as losses
    from compared
    group by funnel, step
),

estimated as (
    select
        compared.funnel as funnel,
        compared.step as step,
        compared.step_name as step_name,
        compared.step_title as step_title,
        compared.judged_from as judged_from,
        compared.judged_until as judged_until,
        compared.entrants as entrants,
        compared.passed as passed,
        compared.all_passed as all_passed,
        compared.all_converted as all_converted,
        compared.benchmark_rate as benchmark_rate,
        compared.lost_conversions as lost_conversions,
        if(
            compared.lost_conversions is null or empty(resampled.losses),
            [],
            arrayReduce(
                'quantilesExactWeighted(0.025, 0.975)', resampled.losses, arrayMap(loss -> 1, resampled.losses)
            )
        ) as ends,
        if(empty(ends), null, ends[1]) as lost_conversions_lower,
        if(empty(ends), null, ends[2]) as lost_conversions_upper,
        worth.value_per_conversion as value_per_conversion,
        toFloat64(worth.value_per_conversion) as value
    from compared
    inner join resampled on compared.funnel = resampled.funnel and compared.step = resampled.step
    inner join {{ ref('funnel_conversion_values') }} as worth on compared.funnel = worth.funnel
    where compared.resample = 0
)

select
    -- strings
    cast(funnel as String) as funnel,
    cast(step_name as String) as step_name,
    cast(step_title as String) as step_title,
    cast('{{ benchmark }}' as String) as benchmark,
    -- numbers
    cast(step as UInt8) as step,
    cast(entrants as UInt64) as entrants,
    cast(passed as UInt64) as passed,
    {{ rate_columns('rate', 'passed', 'entrants') }},
    cast(benchmark_rate as Nullable(Float64)) as benchmark_rate,
    {{ rate_columns('conversion_after', 'all_converted', 'all_passed') }},
    cast(value_per_conversion as Nullable(Decimal(18, 2))) as value_per_conversion,
    cast(lost_conversions as Nullable(Float64)) as lost_conversions,
    cast(lost_conversions_lower as Nullable(Float64)) as lost_conversions_lower,
    cast(lost_conversions_upper as Nullable(Float64)) as lost_conversions_upper,
    cast(lost_conversions * value as Nullable(Float64)) as lost_value,
    cast(lost_conversions_lower * value as Nullable(Float64)) as lost_value_lower,
    cast(lost_conversions_upper * value as Nullable(Float64)) as lost_value_upper,
    -- booleans
    cast(coalesce(lost_conversions_lower > 0, false) as Bool) as is_recommended,
    -- dates
    cast(judged_from as Date) as judged_from,
    cast(judged_until as Date) as judged_until
from estimated
