{#- The values of each dimension add up to the whole, to the last decimal, people included. Sticky people stand
    in the whole only, requests there and by country. #}
with
totals as (
    select
        dimension,
        measure,
        day,
        sum(amount) as total
    from {{ ref('kpi_cells_daily') }}
    group by dimension, measure, day
)

select
    whole.measure as measure,
    whole.day as day,
    parts.dimension as dimension,
    whole.total as total,
    parts.total as total_of_values
from totals as whole
inner join totals as parts on whole.measure = parts.measure and whole.day = parts.day
where whole.dimension = 'all' and whole.total != parts.total
