{{ config(order_by='(dimension, dimension_value, measure, day)') }}

{#- Of a request only the country is known, so requests stand in the whole and by country; sticky people in the whole
    only. -#}
with
requests as (
    select
        dimension,
        dimension_value,
        day,
        arrayJoin(
            {{ measures({'requests': 'sum(requests)', 'failed_requests': 'sum(failed_requests)'}) }}
        ) as figure
    from {{ ref('request_durations') }}
    group by dimension, dimension_value, day
),

cells as (
    {%- for dimension in kpi_dimensions() %}
    {%- for facts in ['kpi_activity_facts', 'kpi_money_facts'] %}
    select
        '{{ dimension }}' as dimension,
        {{ "''" if dimension == 'all' else dimension }} as dimension_value,
        measure,
        sum(amount) as amount,
        day
    from {{ ref(facts) }}
    group by dimension_value, measure, day
    union all
    {%- endfor %}
    {%- endfor %}
    select
        dimension,
        dimension_value,
        figure.1 as measure,
        figure.2 as amount,
        day
    from requests
    union all
    select
        dimension,
        dimension_value,
        measure,
        toDecimal128(sum(people), 12) as amount,
        day
    from {{ ref('people_by_gap') }}
    group by dimension, dimension_value, measure, day
    union all
    select * from {{ ref('trailing_users_daily') }}
    union all
    select * from {{ ref('kpi_balances_daily') }}
    union all
    select
        'all' as dimension,
        '' as dimension_value,
        'sticky_users' as measure,
        toDecimal128(sticky_users, 12) as amount,
        day
    from {{ ref('active_users_daily') }}
),

{# Each series as one array over all days: quicker than a join with the calendar, and a running total costs
    nothing. #}
series as (
    select
        cells.dimension as dimension,
        cells.dimension_value as dimension_value,
        cells.measure as measure,
        any(period.first_date) as first_date,
        toUInt32(any(period.as_of_date - period.first_date + 1)) as days,
        {{ amounts_by_day('cells.amount', 'cells.day - period.first_date', 'days') }} as amounts
    from cells
    cross join {{ ref('reporting_period') }} as period
    where cells.day >= period.first_date and cells.day <= period.as_of_date
    group by dimension, dimension_value, measure
)

select
    -- strings
    dimension,
    dimension_value,
    measure,
    -- numbers
    amount,
    running_total,
    -- dates
    first_date + number as day
from series
array join
    amounts as amount,
    arrayCumSum(amounts) as running_total,
    range(days) as number
