{{ config(order_by='date_day') }}

select toDate('2000-01-01') + number as date_day
from numbers(36525)
