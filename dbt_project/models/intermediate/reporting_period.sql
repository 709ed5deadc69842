with
moments as (
    select
        event_date,
        received_at
    from {{ ref('stg_user_events') }}
    union all
    select
        event_date,
        received_at
    from {{ ref('stg_revenue_events') }}
)

select
    min(event_date) as first_date,
    {% if var('as_of_date') %}toDate('{{ var("as_of_date") }}'){% else %}max(event_date){% endif %} as as_of_date,
    max(received_at) as complete_until
from moments
having count() > 0
