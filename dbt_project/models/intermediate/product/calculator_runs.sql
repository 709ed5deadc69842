{{ config(
    materialized=changing_table(),
    replaces='calculation_id',
    changed='changed_runs',
    order_by='(started_date, calculator, calculation_id)'
) }}
-- depends_on: {{ ref('event_changes') }}, {{ ref('stg_calculator_usage') }}, {{ ref('stg_calculator_deliveries') }}

{# One pass that groups by run. Moments decide, never the order in which rows arrive; of several events at the same
    moment the id decides. A row depends on the events of its own run alone. #}
with
{% if only_changes() %}
newest_deliveries as (
    select * from {{ ref('stg_calculator_deliveries') }}
    where event_id in (
        select same_run.event_id from {{ ref('stg_calculator_deliveries') }} as same_run
        where same_run.calculation_id in ({{ changed_runs() }})
    )
    order by row_version desc
    limit 1 by event_id
),
{% endif %}

events as (
    select
        *,
        {{ event_order('event_at', 'event_id') }} as event_number,
        action in ('step', 'complete') as is_progress,
        action in ('step', 'error') as is_on_step
    from {{ 'newest_deliveries' if only_changes() else ref('stg_calculator_usage') }}
    where
        {{ 'calculation_id in (' ~ changed_runs() ~ ')' if only_changes() else "calculation_id != ''" }}
        and {{ until_chosen_date('event_date') }}
),

runs as (
    select
        calculation_id,
        argMin(
            {{ packed_texts(['calculator', 'country', 'platform', 'device_type', 'toString(tax_year)']) }}, event_number
        ) as first_event,
        argMinIf(user_id, event_number, user_id != '') as user_id,
        argMinIf(anonymous_id, event_number, anonymous_id != '') as anonymous_id,
        arraySort(
            groupArrayIf((step_number, step_name, error_code, duration_ms, action), is_on_step)
        ) as unnamed_events,
        countIf(action = 'error') as errors,
        maxIf(step_number, is_progress) as furthest_step,
        maxIf(step_number, action = 'error') as failed_step,
        countIf(action = 'start') > 0 as has_start,
        countIf(action = 'abandon') > 0 and maxIf(event_at, action = 'abandon') = max(event_at) as is_left,
        min(event_at) as started_at,
        max(event_at) as last_event_at,
        minOrNullIf(event_at, action = 'complete') as completed_at
    from events
    group by calculation_id
)

select
    -- ids
    calculation_id,
    user_id,
    anonymous_id,
    -- strings
    {{ unpacked_text('first_event', 1) }} as calculator,
    {{ unpacked_text('first_event', 2) }} as country,
    {{ unpacked_text('first_event', 3) }} as platform,
    {{ unpacked_text('first_event', 4) }} as device_type,
    -- numbers
    toUInt16({{ unpacked_text('first_event', 5) }}) as tax_year,
    errors,
    furthest_step,
    failed_step,
    if(
        has_start and completed_at is not null,
        toUnixTimestamp64Milli(assumeNotNull(completed_at)) - toUnixTimestamp64Milli(started_at),
        null
    ) as duration_ms,
    -- lists
    cast(
        unnamed_events,
        'Array(Tuple(step_number UInt8, step_name String, error_code String, duration_ms UInt32, action String))'
    ) as step_events,
    -- booleans
    has_start,
    is_left,
    -- dates
    {{ reporting_date('started_at') }} as started_date,
    -- timestamps
    started_at,
    last_event_at,
    completed_at
from runs
