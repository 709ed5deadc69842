{{ config(order_by='customer_id') }}

{#- Of several subscriptions the one whose terms are the newest gives the plan; when it ends, the other one does
    again. -#}
with
spans as (
    select
        customer_id,
        arraySort(groupArray((valid_from, subscription_id, first_day, until_day, plan))) as history
    from {{ ref('subscription_days') }}
    group by customer_id
),

with_days as (
    select
        customer_id,
        history,
        arraySort(arrayDistinct(arrayConcat(tupleElement(history, 3), tupleElement(history, 4)))) as change_days
    from spans
)

select
    -- ids
    customer_id,
    -- strings
    arrayMap(
        day -> coalesce(
            nullIf(tupleElement(arrayLast(span -> span.3 <= day and span.4 > day, history), 5), ''), 'none'
        ),
        change_days
    ) as plans,
    -- dates
    change_days
from with_days
