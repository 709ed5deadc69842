{{ config(materialized='view') }}

select distinct
    -- ids
    event_id,
    calculation_id,
    -- dates
    event_date
from {{ ref('stg_calculator_deliveries') }}
