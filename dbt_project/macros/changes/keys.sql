{#- Keys that builds of changes replace, named by the `changed` of a model. -#}

{#- identity_sightings: days of raw tables. -#}
{%- macro changed_source_days() -%}
    select
        event_changes.source_table,
        event_changes.event_date
    from {{ ref('event_changes') }} as event_changes
    where {{ is_new_in('event_changes') }}
{%- endmacro -%}

{#- person_events: events that came or were corrected, and earlier ones of devices that have another owner now. -#}
{%- macro changed_or_moved_event_ids() -%}
    {{ changed_event_ids('user_events') }}
    union all
    select event_id from {{ this }}
    where {{ is_of_moved_device() }}
{%- endmacro -%}

{#- A row of person_events that the device's owner decides, of a device that has another owner now. The owner before is one of
    the people that changed, and rows are sorted by person. -#}
{%- macro is_of_moved_device() -%}
    person_id in ({{ people_of_moved_devices() }})
    and user_id = ''
    and anonymous_id in ({{ moved_devices() }})
{%- endmacro -%}

{#- Events of one raw table on the days on which anything changed, each in its newest delivery. -#}
{%- macro events_of_changed_days(source) -%}
    (
        select newest.* from (
            select * from {{ ref('stg_deliveries') }} as deliveries
            where
                deliveries.source_table = '{{ source }}'
                and deliveries.event_id in (
                    select same_day.event_id from {{ ref('stg_deliveries') }} as same_day
                    where same_day.source_table = '{{ source }}' and same_day.event_date in ({{ changed_event_days(source) }})
                )
            order by deliveries.row_version desc
            limit 1 by deliveries.event_id
        ) as newest
        where newest.event_date in ({{ changed_event_days(source) }})
    )
{%- endmacro -%}

{#- calculator_runs: runs of which an event came or was corrected, and those from which it was moved away. -#}
{%- macro changed_runs() -%}
    select deliveries.calculation_id from {{ ref('stg_calculator_deliveries') }} as deliveries
    where
        deliveries.event_id in ({{ changed_event_ids('calculator_usage') }})
        and deliveries.calculation_id != ''
{%- endmacro -%}

{#- Days on which runs that changed begin, or began before: the old first event came or was corrected too, or is still part
    of the run. -#}
{%- macro changed_run_days() -%}
    {{ changed_event_days('calculator_usage') }}
    union all
    select
        arrayJoin(
            arrayMap(
                number -> runs.started_date + number,
                range(toUInt32({{ reporting_date('runs.last_event_at') }} - runs.started_date + 1))
            )
        ) as event_date
    from {{ ref('calculator_runs') }} as runs
    where runs.calculation_id in (
        select run_events.calculation_id from {{ ref('calculator_run_events') }} as run_events
        where run_events.event_id in ({{ changed_event_ids('calculator_usage') }})
    )
{%- endmacro -%}

{#- calculator_steps: also days whose runs were open or may be now, and those that the as-of date reaches or leaves. -#}
{%- macro changed_step_days() -%}
    {{ changed_run_days() }}
    union all
    select known.started_date from {{ this }} as known
    where known.is_partial or known.open_runs > 0 or not {{ until_as_of_date('known.started_date') }}
    union all
    select runs.started_date from {{ ref('calculator_runs') }} as runs
    cross join {{ ref('reporting_period') }}
    where
        runs.started_date > (select max(known.started_date) from {{ this }} as known)
        or runs.last_event_at >= {{ judged_until() }} - toIntervalMinute({{ var('calculator_abandon_minutes') }})
{%- endmacro -%}

{#- Tables of requests: days on which any came or was corrected. -#}
{%- macro changed_request_days() -%}
    {{ changed_event_days('performance_metrics') }}
{%- endmacro -%}

{#- performance_metrics_minutely: also days that the as-of date reaches or leaves. -#}
{%- macro changed_minute_days() -%}
    {{ changed_request_days() }}
    union all
    select known.request_date from {{ this }} as known where not {{ until_as_of_date('known.request_date') }}
    union all
    select requests.request_date from {{ ref('requests_by_latency') }} as requests
    where requests.request_date > (select max(known.request_date) from {{ this }} as known)
{%- endmacro -%}

{#- performance_metrics: also days that were not over. -#}
{%- macro changed_performance_days() -%}
    {{ changed_minute_days() }}
    union all
    select known.request_date from {{ this }} as known where known.is_partial
{%- endmacro -%}

{#- Whether events came, since delivery_days was built, for days before those that stg_recent_delivery_days looks at: late ones,
    corrections that moved one away, or all of a time in which nothing was built. Some tables have no log of changes; of these
    only the last is known. -#}
{%- macro older_deliveries_came() -%}
    {%- set first_day = first_recent_day(ref('stg_user_event_deliveries')) -%}
    {%- set query -%}
        select
            (select toDate(max(newest_received_at)) from {{ this }}) <= {{ first_day }}
            or (
                select count() from {{ ref('event_changes') }} as event_changes
                where {{ is_new_in('event_changes') }} and event_changes.event_date <= {{ first_day }}
            ) > 0
    {%- endset -%}
    {{ return(run_query(query).rows[0][0] | int == 1) }}
{%- endmacro -%}

{#- delivery_days: days that the build of changes has looked at again. -#}
{%- macro recent_source_days() -%}
    select
        known.source_table,
        known.event_date
    from {{ this }} as known
    where known.event_date >= (select min(fresh.event_date) from {{ this.incorporate(path={'identifier': this.identifier ~ '__fresh'}) }} as fresh)
{%- endmacro -%}

{#- person_exposures: exposures that came or were corrected, and earlier ones of devices that have another owner now. -#}
{%- macro changed_or_moved_exposure_ids() -%}
    {{ changed_event_ids('experiment_exposures') }}
    union all
    select moved.event_id from {{ this }} as moved
    where moved.user_id = '' and moved.anonymous_id in ({{ moved_devices() }})
{%- endmacro -%}

{#- Tables of experiments: people who changed, and those whose exposures the as-of date has reached, or left behind, since.
    No day before the newest one that stands there can be among these. -#}
{%- macro changed_exposed_people() -%}
    {{ changed_people() }}
    union all
    select later.person_id from {{ ref('person_exposures') }} as later
    where later.event_date > least(
        (select max(known.exposed_on) from {{ this }} as known),
        (select coalesce(max(period.as_of_date), toDate(0)) from {{ ref('reporting_period') }} as period)
    )
{%- endmacro -%}

{#- conversions: people who changed, and nobody, to whom money is booked that names no known order. -#}
{%- macro changed_people_and_nobody() -%}
    {{ changed_people() }}
    union all
    select ''
{%- endmacro -%}
