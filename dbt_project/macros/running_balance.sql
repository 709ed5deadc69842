{#- Selects that turn `changes` (dimension, dimension_value, measure, currency, day, amount) into balances of every
    day of the reporting period. The changes of a series are laid into one array by day and added up in one go. -#}
{%- macro running_balances(changes) -%}
series as (
    select
        changes.dimension as dimension,
        changes.dimension_value as dimension_value,
        changes.measure as measure,
        changes.currency as currency,
        any(period.first_date) as first_date,
        toUInt32(any(period.as_of_date - period.first_date + 1)) as days,
        arrayCumSum(
            {{ amounts_by_day('changes.amount', 'changes.day - period.first_date', 'days') }}
        ) as amounts
    from {{ changes }} as changes
    cross join {{ ref('reporting_period') }} as period
    where changes.day <= period.as_of_date
    group by dimension, dimension_value, measure, currency
),

balances as (
    select
        dimension,
        dimension_value,
        measure,
        currency,
        balance,
        first_date + number as day
    from series
    array join
        amounts as balance,
        range(days) as number
)
{%- endmacro -%}
