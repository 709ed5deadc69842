{#- Whose segments changed. Months that are over change for few people, a month that is not over changes for everybody on
    every day: its rows bear an empty key and are replaced as a whole. -#}

{#- People of whom anything changed, and customers who score otherwise in a month that is over, since others' orders did. -#}
{%- macro changed_segments() -%}
    {{ changed_people() }}
    union all
    select scores.customer_id from (
        select
            customer_id,
            cityHash64(
                month,
                segment,
                toUInt32(recency_days),
                toUInt64(frequency),
                toDecimal64(monetary, 2),
                toUInt8(recency_score),
                toUInt8(frequency_score),
                toUInt8(monetary_score)
            ) as row_hash
        from {{ ref('customer_rfm_monthly') }}
        where month in (select months.month from {{ ref('reporting_months') }} as months where not months.is_partial)
        union all
        select
            person_id as customer_id,
            cityHash64(
                period,
                assumeNotNull(rfm_segment),
                assumeNotNull(recency_days),
                assumeNotNull(frequency),
                assumeNotNull(monetary),
                assumeNotNull(recency_score),
                assumeNotNull(frequency_score),
                assumeNotNull(monetary_score)
            ) as row_hash
        from {{ this }}
        where frequency is not null and not is_partial
    ) as scores
    group by scores.customer_id
    having groupBitXor(scores.row_hash) != 0
{%- endmacro -%}

{#- user_segments: rows of people that changed, and those of months that are not over. -#}
{%- macro changed_person_segments() -%}
    {{ changed_segments() }}
    union all
    select '' as person_id
{%- endmacro -%}

{#- segment_changes: also without a change of their own, people move between segments of RFM. -#}
{%- macro changed_segment_moves() -%}
    {{ changed_people() }}
    union all
    select '' as person_id
{%- endmacro -%}

{#- The first month that is not over. -#}
{%- macro first_open_month() -%}
    (
        select coalesce(minOrNull(months.month), toDate('2149-06-01')) from {{ ref('reporting_months') }} as months
        where months.is_partial
    )
{%- endmacro -%}

{#- From which month on a build computes somebody's rows. -#}
{%- macro first_month_to_build(person_id, month) -%}
    {%- if only_changes() -%}
    if({{ person_id }} in ({{ changed_segments() }}), {{ month }}, greatest({{ month }}, {{ first_open_month() }}))
    {%- else -%}
    {{ month }}
    {%- endif -%}
{%- endmacro -%}
