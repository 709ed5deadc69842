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

{#- Rows of identity_sightings that a build of changed days replaces. -#}
{%- macro sightings_of_changed_days() -%}
    {%- for source in ['user_events', 'calculator_usage', 'revenue_events'] %}
    (source_table = '{{ source }}' and event_date in ({{ changed_event_days(source) }})){{ ' or ' if not loop.last }}
    {%- endfor %}
{%- endmacro -%}

{#- How models are stored that are built only for what changed; on a cluster they are plain distributed tables. -#}
{%- macro changing_table() -%}
    {{ return('distributed_table' if target.name == 'cluster' else 'changed_rows') }}
{%- endmacro -%}
