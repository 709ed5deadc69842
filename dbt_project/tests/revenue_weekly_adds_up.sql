-- Countries and plans of a week add up to the company, each rounded to the cent; every week of the company is there.
with
company as (
    select
        period_start,
        coalesce(value, 0) as company_net_revenue
    from {{ ref('kpi_summary') }}
    where kpi = 'net_revenue' and period_type = 'week' and dimension = 'all'
),

parts as (
    select
        week,
        count(distinct dimension) as dimensions,
        sumIf(net_revenue, dimension = 'country') as of_countries,
        sumIf(net_revenue, dimension = 'plan') as of_plans
    from {{ ref('revenue_weekly') }}
    group by week
)

select company.period_start
from company
left join parts on company.period_start = parts.week
where
    parts.dimensions != 2
    or abs(parts.of_countries - company.company_net_revenue) > 0.1
    or abs(parts.of_plans - company.company_net_revenue) > 0.1
