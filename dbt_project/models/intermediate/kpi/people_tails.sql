{{ config(order_by='(dimension, dimension_value, measure, day)') }}

{#- Element n of `tails`: people of the day who are not seen again within n - 1 days. So whoever is last seen on a
    day of a window that ends k days later is in element k + 1. -#}
with
gaps as (
    select
        dimension,
        dimension_value,
        measure,
        day,
        {{ amounts_by_day('people', 'days_to_next - 1', longest_window_days(), 'toUInt64(0)') }} as people_by_gap
    from {{ ref('people_by_gap') }}
    group by dimension, dimension_value, measure, day
)

select
    -- strings
    dimension,
    dimension_value,
    measure,
    -- numbers
    arrayReverse(arrayCumSum(arrayReverse(people_by_gap))) as tails,
    -- dates
    day
from gaps
