{{ config(order_by='(customer_id, first_day, subscription_id)') }}

{#- A span counts on the days at whose end it ran; one that began and ended within a day counts on none. -#}
with
spans as (
    select
        *,
        {{ reporting_date('valid_from') }} as first_day,
        coalesce({{ reporting_date('valid_to') }}, toDate('2149-06-06')) as until_day
    from {{ ref('subscription_spans') }}
),

people as (
    {{ first_touch_of_people() }}
)

select
    -- ids
    spans.subscription_id as subscription_id,
    {{ subscriber_id('spans') }} as customer_id,
    -- strings
    if(spans.plan = '', 'none', spans.plan) as plan,
    spans.currency as currency,
    spans.country as country,
    coalesce(people.first_channel, '') as channel,
    coalesce(people.first_device_type, '') as device_type,
    -- numbers
    spans.mrr as mrr,
    -- dates
    spans.first_day as first_day,
    spans.until_day as until_day,
    -- timestamps
    spans.valid_from as valid_from
from spans
left join people on spans.customer_id = people.person_id
where spans.first_day < spans.until_day
