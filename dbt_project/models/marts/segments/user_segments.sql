{{ config(
    materialized=changing_table(),
    replaces="if(is_partial, '', person_id)",
    changed='changed_person_segments',
    order_by='(period, person_id)',
    meta={
        'variables': [
            'lifecycle_new_days', 'lifecycle_active_days', 'lifecycle_resurrected_days', 'lifecycle_churn_days',
            'season_days_before_deadline', 'season_days_after_deadline'
        ],
        'decided_by': ['months_that_are_over']
    }
) }}
{# Joins are written such that it does not matter whether a missing row reads as NULL or as the default of its type:
    unit tests run without the setting that makes it NULL. #}
-- A test compares the two: one built without the other may be of another day.
-- depends_on: {{ ref('rfm') }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('deadlines') }}

with
active_people as (
    select
        people.person_id as person_id,
        {{ first_month_to_build('people.person_id', 'people.month') }} as first_month,
        arrayJoin(
            {{ months_until_next('first_month', 'people.next_month', 'toStartOfMonth(calendar.as_of_date)') }}
        ) as month,
        people.country as country,
        people.region as region,
        people.tax_residence as tax_residence,
        toNullable(people.first_active_date) as first_active_date,
        toNullable(people.last_active_date) as last_active_date,
        toNullable(people.returns_until) as returns_until,
        people.last_return_date as last_return_date
    from {{ ref('person_months') }} as people
    cross join {{ ref('reporting_period') }} as calendar
),

customers as (
    select
        customers.customer_id as customer_id,
        {{ first_month_to_build('customers.customer_id', 'customers.month') }} as first_month,
        arrayJoin(
            {{ months_until_next('first_month', 'customers.next_month', 'toStartOfMonth(calendar.as_of_date)') }}
        ) as month,
        customers.country as country
    from {{ ref('customer_standings') }} as customers
    cross join {{ ref('reporting_period') }} as calendar
),

joined as (
    select
        coalesce(nullIf(active_people.person_id, ''), customers.customer_id) as person_id,
        if(coalesce(active_people.person_id, '') = '', customers.month, active_people.month) as month,
        coalesce(nullIf(active_people.country, ''), customers.country, '') as country,
        coalesce(active_people.region, '') as region,
        coalesce(active_people.tax_residence, '') as tax_residence,
        active_people.first_active_date as first_active_date,
        active_people.last_active_date as last_active_date,
        active_people.returns_until as returns_until,
        active_people.last_return_date as last_return_date
    from active_people
    full outer join customers
        on active_people.person_id = customers.customer_id and active_people.month = customers.month
),

months as (
    select * from {{ ref('reporting_months') }}
),

markets as (
    select * from {{ ref('country_markets') }}
),

scores as (
    select
        customer_id,
        month,
        (
            toNullable(segment),
            toNullable(recency_days),
            toNullable(frequency),
            toNullable(monetary),
            toNullable(recency_score),
            toNullable(frequency_score),
            toNullable(monetary_score)
        ) as rfm
    from {{ ref('customer_rfm_monthly') }}
    {% if only_changes() %}
    where month >= {{ first_open_month() }} or customer_id in ({{ changed_segments() }})
    {% endif %}
)

select
    -- ids
    cast(joined.person_id as String) as person_id,
    -- strings
    cast(tupleElement(scores.rfm, 1) as LowCardinality(Nullable(String))) as rfm_segment,
    cast(
        multiIf(
            joined.last_active_date is null, null,
            joined.returns_until < months.last_day, 'churned',
            months.last_day - joined.first_active_date < {{ var('lifecycle_new_days') }}, 'new',
            months.last_day - joined.last_return_date < {{ var('lifecycle_resurrected_days') }}, 'resurrected',
            months.last_day - joined.last_active_date < {{ var('lifecycle_active_days') }}, 'active',
            'at_risk'
        ) as LowCardinality(Nullable(String))
    ) as lifecycle_stage,
    cast(coalesce(nullIf(markets.market, ''), 'unknown') as LowCardinality(String)) as geographic_segment,
    cast(joined.country as LowCardinality(String)) as country,
    cast(joined.region as LowCardinality(String)) as region,
    cast(coalesce(nullIf(markets.continent, ''), 'unknown') as LowCardinality(String)) as continent,
    cast(joined.tax_residence as LowCardinality(String)) as tax_residence,
    -- numbers
    cast(tupleElement(scores.rfm, 2) as Nullable(UInt32)) as recency_days,
    cast(tupleElement(scores.rfm, 3) as Nullable(UInt64)) as frequency,
    cast(tupleElement(scores.rfm, 4) as Nullable(Decimal(18, 2))) as monetary,
    cast(tupleElement(scores.rfm, 5) as Nullable(UInt8)) as recency_score,
    cast(tupleElement(scores.rfm, 6) as Nullable(UInt8)) as frequency_score,
    cast(tupleElement(scores.rfm, 7) as Nullable(UInt8)) as monetary_score,
    -- booleans
    cast(not startsWith(joined.person_id, 'anonymous:') as Bool) as is_known,
    cast(months.is_partial as Bool) as is_partial,
    -- dates
    cast(joined.month as Date) as period,
    cast(months.last_day as Date) as last_day,
    cast(joined.last_active_date as Nullable(Date)) as last_active_date
from joined
inner join months on joined.month = months.month
left join markets on joined.country = markets.country
left join scores on joined.person_id = scores.customer_id and joined.month = scores.month
