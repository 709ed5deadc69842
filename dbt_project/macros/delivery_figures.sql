{#- Figures of one raw table by day, from all its deliveries: events, each once and on the day that its newest delivery
    says; how often they were delivered; how long the first delivery took; how many bear a time that cannot be; how many have
    an empty column.

    Like each_event_once, only ids that occur more than once are grouped; of the last days, with `recent_only`, all ids that
    any delivery puts there, with all their deliveries, since the newest one may say an earlier day. Deliveries that the
    engine has merged away are gone: what is left of an event is its newest one. -#}
{%- macro delivery_figures(source_table, moment, filled, recent_only=false) -%}
    {%- set is_dated = moment != 'event_at' -%}
    {%- set happened = moment if is_dated else happened_at('arrived') -%}
    {%- set day = moment if is_dated else reporting_date(happened) -%}
    {%- set relation = source('raw', source_table) -%}
    {%- set recent = 'toDate(' ~ moment ~ ') >= ' ~ first_recent_day() -%}
    {%- if not is_dated -%}
        {%- set recent = recent ~ " or event_at < toDateTime64('" ~ var('earliest_event_date') ~ "', 3, 'UTC')" -%}
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
        {%- if not recent_only %}
        select
            tuple({{ columns }}) as newest,
            received_at as first_received_at,
            received_at as last_received_at,
            1 as deliveries
        from {{ relation }} as arrived
        where cityHash64(event_id) not in ({{ repeated_events(relation) }})
        union all
        {%- endif %}
        select
            argMax(tuple({{ columns }}), row_version) as newest,
            min(received_at) as first_received_at,
            max(received_at) as last_received_at,
            count() as deliveries
        from {{ relation }} as arrived
        where
            {%- if recent_only %}
            event_id in (select event_id from {{ relation }} where {{ recent }})
            {%- else %}
            cityHash64(event_id) in ({{ repeated_events(relation) }})
            {%- endif %}
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
