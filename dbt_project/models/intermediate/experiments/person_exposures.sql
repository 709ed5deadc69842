{{ config(
    materialized=changing_table(),
    replaces='event_id',
    changed='changed_or_moved_exposure_ids',
    order_by='(person_id, experiment_id, event_at, event_id)'
) }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('event_changes') }}, {{ ref('stg_exposure_deliveries') }}
{% set columns = [
    'event_id', 'experiment_id', 'user_id', 'anonymous_id', 'arm', 'country', 'platform', 'device_type', 'event_date',
    'event_at'
] %}

with
{% if only_changes() %}
newest_deliveries as (
    select * from {{ ref('stg_exposure_deliveries') }}
    where event_id in ({{ changed_event_ids('experiment_exposures') }})
    order by row_version desc
    limit 1 by event_id
),

{# Exposures that came earlier, of devices that have another owner now. #}
moved_exposures as (
    select * from {{ this }}
    where
        user_id = ''
        and anonymous_id in ({{ moved_devices() }})
        and event_id not in ({{ changed_event_ids('experiment_exposures') }})
),

exposures as (
    select {{ columns | join(', ') }} from newest_deliveries
    where experiment_id != '' and (user_id != '' or anonymous_id != '') and {{ until_chosen_date('event_date') }}
    union all
    select {{ columns | join(', ') }} from moved_exposures
),
{% else %}
exposures as (
    select {{ columns | join(', ') }} from {{ ref('stg_experiment_exposures') }}
    where experiment_id != '' and (user_id != '' or anonymous_id != '') and {{ until_chosen_date('event_date') }}
),
{% endif %}

identities as (
    {{ owners_of_devices() }}
)

select
    -- ids
    exposures.event_id as event_id,
    exposures.experiment_id as experiment_id,
    {{ person_id('exposures', 'identities') }} as person_id,
    exposures.user_id as user_id,
    exposures.anonymous_id as anonymous_id,
    -- strings
    exposures.arm as arm,
    exposures.country as country,
    exposures.platform as platform,
    exposures.device_type as device_type,
    -- dates
    exposures.event_date as event_date,
    -- timestamps
    exposures.event_at as event_at
from exposures
left join identities on exposures.anonymous_id = identities.anonymous_id
