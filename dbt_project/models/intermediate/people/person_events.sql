{{ config(
    materialized=changing_table(),
    replaces='event_id',
    changed='changed_or_moved_event_ids',
    order_by='(person_id, event_at, event_id)'
) }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('event_changes') }}, {{ ref('stg_user_event_deliveries') }}
{% set columns = [
    'event_id', 'user_id', 'anonymous_id', 'event_name', 'page_path', 'country', 'region', 'tax_residence', 'platform',
    'device_type', 'language', 'utm_source', 'utm_medium', 'utm_campaign', 'referrer_host', 'properties', 'event_date',
    'event_at'
] %}

with
{% if only_changes() %}
newest_deliveries as (
    select * from {{ ref('stg_user_event_deliveries') }}
    where event_id in ({{ changed_event_ids('user_events') }})
    order by row_version desc
    limit 1 by event_id
),

{# Events that came earlier, of devices that have another owner now. #}
moved_events as (
    select * from {{ this }}
    where
        {{ is_of_moved_device() }}
        and event_id not in ({{ changed_event_ids('user_events') }})
),

events as (
    select {{ columns | join(', ') }} from newest_deliveries
    where (user_id != '' or anonymous_id != '') and {{ until_as_of_date('event_date') }}
    union all
    select {{ columns | join(', ') }} from moved_events
),
{% else %}
events as (
    select {{ columns | join(', ') }} from {{ ref('stg_user_events') }}
    where (user_id != '' or anonymous_id != '') and {{ until_as_of_date('event_date') }}
),
{% endif %}

identities as (
    {{ owners_of_devices() }}
)

select
    -- ids
    events.event_id as event_id,
    {{ person_id('events', 'identities') }} as person_id,
    events.user_id as user_id,
    events.anonymous_id as anonymous_id,
    -- strings
    events.event_name as event_name,
    events.page_path as page_path,
    events.country as country,
    events.region as region,
    events.tax_residence as tax_residence,
    events.platform as platform,
    events.device_type as device_type,
    events.language as language,
    events.utm_source as utm_source,
    events.utm_medium as utm_medium,
    events.utm_campaign as utm_campaign,
    events.referrer_host as referrer_host,
    events.properties as properties,
    -- dates
    events.event_date as event_date,
    -- timestamps
    events.event_at as event_at
from events
left join identities on events.anonymous_id = identities.anonymous_id
