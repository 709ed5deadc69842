-- Fails for every kind, model and day whose credit does not add up to its conversions and revenue, to the last decimal.
with
converted as (
    select
        conversion_kind,
        conversion_date,
        arrayJoin({{ attribution_models() }}) as attribution_model,
        sum(conversions) as conversions,
        sum(revenue) as revenue
    from {{ ref('conversions') }}
    group by conversion_kind, conversion_date, attribution_model
),

credited as (
    select
        conversion_kind,
        conversion_date,
        attribution_model,
        sum(credited_conversions) as conversions,
        sum(credited_revenue) as revenue
    from {{ ref('marketing_attribution') }}
    group by conversion_kind, conversion_date, attribution_model
)

select
    converted.conversion_kind as conversion_kind,
    converted.conversion_date as conversion_date,
    converted.attribution_model as attribution_model
from converted
full outer join credited
    on
        converted.conversion_kind = credited.conversion_kind
        and converted.conversion_date = credited.conversion_date
        and converted.attribution_model = credited.attribution_model
where
    not coalesce(converted.conversions = credited.conversions, false)
    or not coalesce(converted.revenue = credited.revenue, false)
