{{ config(order_by='(currency, valid_from)') }}

{#- Rates of the seed; a currency without one goes through a third, in which the seed rates the reporting currency. -#}
{%- set reporting_currency = "'" ~ dataset_setting('reporting_currency') ~ "'" -%}

with
rates as (
    select * from {{ ref('exchange_rates') }}
),

direct as (
    select
        currency,
        valid_from,
        rate
    from rates
    where reporting_currency = {{ reporting_currency }}
),

pivots as (
    select
        reporting_currency as pivot,
        valid_from,
        rate
    from rates
    where
        currency = {{ reporting_currency }}
        and reporting_currency = (
            select min(other.reporting_currency) from rates as other
            where other.currency = {{ reporting_currency }}
        )
),

into_pivot as (
    select
        reporting_currency as pivot,
        currency,
        valid_from,
        rate
    from rates
    where reporting_currency in (select pivots.pivot from pivots) and currency != {{ reporting_currency }}
    union all
    select
        pivot,
        pivot as currency,
        min(valid_from) as valid_from,
        toDecimal64(1, 8) as rate
    from pivots
    group by pivot
),

{# A crossed rate changes when either of its two does, and begins when both are there. #}
days as (
    select
        pivot,
        currency,
        valid_from
    from into_pivot
    where valid_from >= (select min(pivots.valid_from) from pivots)
    union distinct
    select
        into_pivot.pivot as pivot,
        into_pivot.currency as currency,
        pivots.valid_from as valid_from
    from into_pivot
    cross join pivots
    where pivots.valid_from >= into_pivot.valid_from
),

priced as (
    select
        days.pivot as pivot,
        days.currency as currency,
        days.valid_from as valid_from,
        assumeNotNull(into_pivot.rate) as rate
    from days
    asof left join into_pivot
        on
            days.pivot = into_pivot.pivot
            and days.currency = into_pivot.currency
            and days.valid_from >= into_pivot.valid_from
),

crossed as (
    select
        priced.currency as currency,
        priced.valid_from as valid_from,
        toDecimal256(priced.rate, 20) / assumeNotNull(pivots.rate) as rate
    from priced
    asof left join pivots on priced.pivot = pivots.pivot and priced.valid_from >= pivots.valid_from
    where priced.currency not in (select direct.currency from direct)
)

select
    -- strings
    currency,
    -- numbers
    rate,
    -- dates
    valid_from
from direct
union all
select
    -- strings
    currency,
    -- numbers
    cast(round(rate, 8) as Decimal(18, 8)) as rate,
    -- dates
    valid_from
from crossed
