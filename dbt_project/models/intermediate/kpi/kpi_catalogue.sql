{{ config(order_by='kpi') }}

with
catalogue as (
    select arrayJoin({{ kpi_catalogue() }}) as metric
)

select
    -- strings
    metric.1 as kpi,
    metric.2 as label,
    metric.3 as unit,
    metric.4 as good_direction,
    metric.5 as over_period,
    metric.6 as drill,
    metric.7 as open_window,
    metric.8 as above,
    metric.9 as below,
    metric.10 as counted,
    -- numbers
    toUInt16(metric.11) as look_back_days,
    toUInt32(metric.12) as minimum_count,
    -- booleans
    metric.13 as is_money
from catalogue
