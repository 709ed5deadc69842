{#- What seeds say, as a fingerprint: models name these under `decided_by` and are built whole when a seed has changed. -#}

{%- macro fingerprint_of_seed(relation) -%}
    {%- if adapter.get_relation(none, relation.schema, relation.identifier) is none -%}{{ return('') }}{%- endif -%}
    {{ return(run_query('select toString(sum(cityHash64(*))) as contents from ' ~ relation).rows[0]['contents']) }}
{%- endmacro -%}

{%- macro known_exchange_rates() -%}
    {{ return(fingerprint_of_seed(ref('exchange_rates'))) }}
{%- endmacro -%}

{%- macro declared_experiments() -%}
    {{ return(fingerprint_of_seed(ref('experiments'))) }}
{%- endmacro -%}

{%- macro declared_conversions() -%}
    {{ return(fingerprint_of_seed(ref('conversion_kinds'))) }}
{%- endmacro -%}
