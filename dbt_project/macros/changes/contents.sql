{#- Tables that add up over people change on few days although people changed on all. They keep, with the rows of a day or a
    month, the sum of hashes of what they were made of, and compute again where that sum is another one. -#}

{#- attribution_credits: days by what their conversions and paths are. -#}
{%- macro contents_of_conversion_days() -%}
    select
        conversion_date,
        sum(content) as content_of_day
    from {{ ref('conversion_paths') }}
    group by conversion_date
{%- endmacro -%}

{%- macro changed_conversion_days() -%}
    {{ differing_keys('conversion_date', 'content_of_day', contents_of_conversion_days()) }}
{%- endmacro -%}

{#- path_counts: months by what their paths are and how many are still open. -#}
{%- macro contents_of_path_months() -%}
    select
        month,
        sum(content) as content_of_month
    from (
        select
            toStartOfMonth(conversion_date) as month,
            content
        from {{ ref('conversion_paths') }}
        union all
        select
            toStartOfMonth({{ reporting_date('last_touched_at') }}) as month,
            cityHash64(
                content, last_touched_at + toIntervalDay({{ var('attribution_lookback_days') }}) < period.known_until
            ) as content
        from {{ ref('unconverted_paths') }}
        cross join ({{ paths_known_until() }}) as period
    )
    group by month
{%- endmacro -%}

{%- macro changed_path_months() -%}
    {{ differing_keys('month', 'content_of_month', contents_of_path_months()) }}
{%- endmacro -%}

{#- Keys of a query whose content differs from what stands in the model, on either side missing ones too. -#}
{%- macro differing_keys(key, content, query) -%}
    select {{ mark_comment() }} coalesce(found.{{ key }}, known.{{ key }}) as {{ key }}
    from ({{ query }}) as found
    full outer join (select distinct {{ key }}, {{ content }} from {{ this }}) as known on found.{{ key }} = known.{{ key }}
    where not coalesce(found.{{ content }} = known.{{ content }}, false)
{%- endmacro -%}
