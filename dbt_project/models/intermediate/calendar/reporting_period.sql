select
    min(event_date) as first_date,
    {% if var('as_of_date') %}toDate('{{ var("as_of_date") }}'){% else %}max(event_date){% endif %} as as_of_date,
    max(newest_received_at) as complete_until
from {{ ref('identity_sightings') }}
where source_table in ('user_events', 'revenue_events')
having count() > 0
