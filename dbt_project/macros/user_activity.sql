{#- Aggregates over rows of user_day_facts of one user: `days`, in the order of their first events, `countries` and
    `residences` in the order in which they were named, calculators used, and the edges of runs: a run begins at its first event, and keeps
    a session open until a pause after its last one. Each entry bears the dates between which it is known. -#}
{%- macro activity_history() -%}
    arraySort(
        groupArray((
            first_position,
            active_date,
            known_from,
            known_until,
            first_channel,
            first_device_type,
            events,
            page_views,
            calculators_started,
            calculators_completed,
            calculator_errors,
            checkouts_started,
            has_signed_up
        ))
    ) as days,
    arraySort(groupArrayIf((country_position, country, known_from, known_until), country != '')) as countries,
    arraySort(
        groupArrayIf((tax_residence_position, tax_residence, known_from, known_until), tax_residence != '')
    ) as residences,
    groupArrayArray(arrayMap(calculator -> (calculator, known_from, known_until), calculators)) as calculators,
    arraySort(
        groupArrayArray(
            arrayConcat(
                arrayMap(visit -> (visit.1, 1, active_date, known_from, known_until), visits),
                arrayMap(
                    visit -> (
                        visit.2 + toIntervalMinute({{ var('session_gap_minutes') }}), 2, active_date, known_from, known_until
                    ),
                    visits
                )
            )
        )
    ) as edges
{%- endmacro -%}

{#- Days on which sessions began, from sorted edges: a session begins where none is open. -#}
{%- macro session_dates(edges) -%}
    arrayFilter(
        (day, step, open) -> step = 1 and open = 1,
        tupleElement({{ edges }}, 3),
        arrayMap(edge -> edge.2, {{ edges }}),
        arrayCumSum(edge -> if(edge.2 = 1, 1, -1), {{ edges }})
    )
{%- endmacro -%}

{#- Figures up to a cut-off, from the arrays `days` (of the shape above), `dates` and `session_dates`. -#}
{%- macro activity_figures() -%}
    tupleElement(days[1], 5) as first_channel,
    tupleElement(days[1], 6) as first_device_type,
    length(dates) as active_days,
    length(session_dates) as sessions,
    arraySum(tupleElement(days, 7)) as events,
    arraySum(tupleElement(days, 9)) as calculators_started,
    dates[1] as first_active_date,
    dates[-1] as last_active_date,
    nullIf(tupleElement(arrayFirst(day -> day.13, days), 2), toDate(0)) as signed_up_on
{%- endmacro -%}

{#- Figures of the windows that end on a cut-off, from arrays that hold its last 90 days at least: `dates`, `session_dates` and `recent`,
    of (day, events, page views, calculators started, completed, errors, checkouts started). -#}
{%- macro activity_windows(cutoff, dates, session_dates, recent) -%}
    {%- for days in [7, 30, 90] %}
    arrayCount(day -> day > {{ cutoff }} - {{ days }}, {{ dates }}) as active_days_{{ days }}d,
    {%- endfor %}
    arrayCount(day -> day > {{ cutoff }} - 60 and day <= {{ cutoff }} - 30, {{ dates }}) as active_days_30d_before,
    {%- for days in [30, 90] %}
    arrayCount(day -> day > {{ cutoff }} - {{ days }}, {{ session_dates }}) as sessions_{{ days }}d,
    {%- endfor %}
    arraySum(day -> if(day.1 > {{ cutoff }} - 30, day.2, 0), {{ recent }}) as events_30d,
    {%- for figure in ['events', 'page_views', 'calculators_started', 'calculators_completed', 'calculator_errors', 'checkouts_started'] %}
    arraySum(day -> if(day.1 > {{ cutoff }} - 90, day.{{ loop.index + 1 }}, 0), {{ recent }}) as {{ figure }}_90d{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro -%}
