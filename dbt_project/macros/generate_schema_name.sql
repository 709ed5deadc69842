{#- Marts stand in the target schema; `+schema: staging` means `<target schema>_staging`. So one schema name, such as an
    analyst's dev_<name>, moves a whole build. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema if custom_schema_name is none else target.schema ~ '_' ~ custom_schema_name | trim }}
{%- endmacro -%}
