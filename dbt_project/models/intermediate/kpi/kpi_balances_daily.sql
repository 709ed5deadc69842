{{ config(order_by='(dimension, dimension_value, measure, day)') }}

{#- Changes become balances day by day; money goes over to the reporting currency at the rate of the day, so that
    the opening and the closing balance of a figure are never parted by a rate. -#}
with
changes as (
    {%- for dimension in kpi_dimensions() %}
    select
        '{{ dimension }}' as dimension,
        {{ "''" if dimension == 'all' else dimension }} as dimension_value,
        measure,
        currency,
        day,
        sum(amount) as amount
    from {{ ref('subscription_changes_daily') }}
    group by dimension_value, measure, currency, day
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{{ running_balances('changes') }}

select
    -- strings
    balances.dimension as dimension,
    balances.dimension_value as dimension_value,
    balances.measure as measure,
    -- numbers
    sum(
        toDecimal128(balances.balance, 4)
        * if(endsWith(balances.measure, 'mrr'), toDecimal64(rates.exchange_rate, 8), toDecimal64(1, 8))
    ) as amount,
    -- dates
    balances.day as day
from balances
inner join {{ ref('daily_rates') }} as rates on balances.currency = rates.currency and balances.day = rates.day
group by dimension, dimension_value, measure, day
