{#- A raw table as the benchmark exported it. -#}
{%- macro raw(table) -%}
    read_parquet('{{ env_var("GTC_DUCKDB_FOLDER") }}/{{ table }}.parquet')
{%- endmacro -%}

{#- A seed of the main project, read where it stands. -#}
{%- macro main_seed(name) -%}
    read_csv('{{ env_var("GTC_DUCKDB_SEEDS") }}/{{ name }}.csv', header = true, all_varchar = true)
{%- endmacro -%}

{#- Each event once, in its newest delivery; only repeated ids are sorted, as in the main project. -#}
{%- macro each_event_once(table) -%}
repeated as (
    select event_id from {{ raw(table) }} group by event_id having count(*) > 1
),

newest_deliveries as (
    select * from {{ raw(table) }}
    where event_id in (select event_id from repeated)
    qualify row_number() over (partition by event_id order by row_version desc) = 1
),

deduplicated as (
    select * from {{ raw(table) }} where event_id not in (select event_id from repeated)
    union all
    select * from newest_deliveries
)
{%- endmacro -%}

{#- 1 + floor(bins * number of smaller values / number of values), in whole numbers. -#}
{%- macro quantile_score(value, bins) -%}
    1 + ({{ bins }} * (rank() over (order by {{ value }}) - 1)) // count(*) over ()
{%- endmacro -%}
