{#- The day of a moment in the reporting time zone. Days are cut here and nowhere else. -#}
{%- macro reporting_date(moment) -%}
    toDate({{ moment }}, '{{ dataset_setting("time_zone") }}')
{%- endmacro -%}

{#- The moment at which a day of the reporting time zone begins. -#}
{%- macro start_of_reporting_date(day) -%}
    toDateTime64({{ day }}, 3, '{{ dataset_setting("time_zone") }}')
{%- endmacro -%}

{#- When an event of raw happened. No event happens after it was received, and a clock that was never set says 1970: where
    the sender's time cannot be, the time of receipt stands for it. A clock that is a little fast keeps its own, so that the
    order of events within a visit stays. -#}
{%- macro happened_at(relation) -%}
    if(
        {{ relation }}.event_at > {{ relation }}.received_at + toIntervalHour({{ var('clock_tolerance_hours') }})
        or {{ relation }}.event_at < toDateTime64('{{ var("earliest_event_date") }}', 3, 'UTC'),
        {{ relation }}.received_at,
        {{ relation }}.event_at
    )
{%- endmacro -%}
