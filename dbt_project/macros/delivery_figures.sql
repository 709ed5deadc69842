{#- Figures of one raw table by day, from all its deliveries: events, each once and on the day that its newest delivery
    says; how often they were delivered; how long the first delivery took; how many bear a time that cannot be; how many have
    an empty column.

    Like each_event_once, only ids that occur more than once are grouped. Deliveries that the engine has merged away are
    gone: what is left of an event is its newest one. -#}
{%- macro delivery_figures(source_table, moment, filled, recent_only=false) -%}
    {%- set is_dated = moment != 'event_at' -%}
    {%- set happened = moment if is_dated else happened_at('arrived') -%}
    {%- set day = moment if is_dated else reporting_date(happened) -%}
    {%- set relation = source('raw', source_table) -%}
    {%- if recent_only -%}
        {%- set relation -%}
            (
                select *, row_version from {{ source('raw', source_table) }}
                where
                    toDate({{ moment }}) >= {{ first_recent_day() }}
                    {{ "or event_at < toDateTime64('" ~ var('earliest_event_date') ~ "', 3, 'UTC')" if not is_dated }}
            )
        {%- endset -%}
    {%- endif -%}
    {#- Whether a text is empty is asked where it is read: there it costs its length, later the whole text. -#}
    {%- set columns = [day, happened, 'false' if is_dated else moment ~ ' != ' ~ happened] -%}
    {%- for column in filled -%}
        {%- do columns.append('empty(' ~ column ~ ')') -%}
    {%- endfor -%}
    {%- set columns = columns | join(', ') -%}
    select
        '{{ source_table }}' as source_table,
        newest.1 as event_date,
        count() as events,
        sum(deliveries) as deliveries,
        countIf(newest.3) as wrong_clock_events,
        {% if is_dated -%}
        0 as late_events,
        cast([], 'Array(Int64)') as delays_ms,
        {%- else -%}
        countIf(dateDiff('millisecond', newest.2, first_received_at) >= {{ var('late_after_minutes') }} * 60000) as late_events,
        arraySort(groupArray(greatest(0, dateDiff('millisecond', newest.2, first_received_at)))) as delays_ms,
        {%- endif %}
        max(last_received_at) as newest_received_at,
        [
            {%- for column in filled %}
            ('{{ column }}', countIf(newest.{{ loop.index + 3 }})){{ ',' if not loop.last }}
            {%- endfor %}
        ] as empty_columns
    from (
        select
            tuple({{ columns }}) as newest,
            received_at as first_received_at,
            received_at as last_received_at,
            1 as deliveries
        from {{ relation }} as arrived
        where cityHash64(event_id) not in ({{ repeated_events(relation) }})
        union all
        select
            argMax(tuple({{ columns }}), row_version) as newest,
            min(received_at) as first_received_at,
            max(received_at) as last_received_at,
            count() as deliveries
        from {{ relation }} as arrived
        where cityHash64(event_id) in ({{ repeated_events(relation) }})
        group by event_id
    )
    group by event_date
{%- endmacro -%}

{#- The first day of raw that builds of changes look at again, one day early since days are cut in the reporting zone. -#}
{%- macro first_recent_day(deliveries=none) -%}
    (
        select toDate(max(received_at)) - {{ (var('data_quality_days') | int) + 1 }}
        from {{ deliveries or source('raw', 'user_events') }}
    )
{%- endmacro -%}
