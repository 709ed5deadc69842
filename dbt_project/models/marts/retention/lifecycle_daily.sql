{{ config(order_by='period_start') }}

{{ lifecycle('day') }}
