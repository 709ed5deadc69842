{#- How a run of a calculator ended, as far as the data tells: `completed` once a result was shown, `abandoned` when the
    page said so last or nothing came for longer than `calculator_abandon_minutes`, else `open`. Needs the columns of
    calculator_runs and of reporting_period; the clock has no say. -#}
{%- macro calculator_outcome() -%}
    multiIf(
        completed_at is not null, 'completed',
        is_left or last_event_at < {{ judged_until() }} - toIntervalMinute({{ var('calculator_abandon_minutes') }}),
        'abandoned',
        'open'
    )
{%- endmacro -%}

{#- The moment up to which the data can be judged: nothing newer was received, or the as-of date ends. -#}
{%- macro judged_until() -%}
    least(complete_until, {{ start_of_reporting_date('as_of_date + 1') }})
{%- endmacro -%}

{#- A time on a step or in a run, rounded up to full tenths of a second: fine enough for people, and few values. -#}
{%- macro full_tenths(milliseconds) -%}
    toUInt32(least(intDiv({{ milliseconds }} + 99, 100) * 100, 4294967200))
{%- endmacro -%}
