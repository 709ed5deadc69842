{#- Periods are days, weeks that begin on Monday, and months. `granularity` is one of the three words, known when the SQL is
    compiled. -#}

{#- First day of the period of a day. -#}
{%- macro period_start(granularity, day) -%}
    {{ {'day': 'toDate', 'week': 'toMonday', 'month': 'toStartOfMonth'}[granularity] }}({{ day }})
{%- endmacro -%}

{#- First day of the period that lies `by` periods after the one that begins on `start`. -#}
{%- macro shift_period(granularity, start, by=1) -%}
    {{ {'day': 'addDays', 'week': 'addWeeks', 'month': 'addMonths'}[granularity] }}({{ start }}, {{ by }})
{%- endmacro -%}

{#- Number of the period of a day, one more for each period: differences of numbers are periods between. 1970-01-01 was
    a Thursday, three days after a Monday. -#}
{%- macro period_number(granularity, day) -%}
    {%- if granularity == 'day' -%} toInt32({{ day }})
    {%- elif granularity == 'week' -%} intDiv(toInt32({{ day }}) + 3, 7)
    {%- else -%} toInt32(toRelativeMonthNum({{ day }}))
    {%- endif -%}
{%- endmacro -%}
