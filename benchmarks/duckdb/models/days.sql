with
seen as (
    select event_date from {{ ref('events') }}
    union all
    select event_date from {{ ref('revenue_events') }}
)

select unnest(generate_series(min(event_date), max(event_date), interval 1 day))::date as day
from seen
