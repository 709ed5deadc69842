{{ config(materialized='view') }}

select distinct
    -- ids
    event_id,
    calculation_id
from {{ ref('stg_calculator_deliveries') }}
where calculation_id != ''
