{{ config(order_by='period_start') }}

{{ lifecycle('week') }}
