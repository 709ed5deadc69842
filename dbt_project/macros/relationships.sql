{#- dbt's test of relationships joins each row with all rows of the parent that hold the value. A parent need not be unique
    in it (a minute's routes, a person's events), and then the join grows as the product of both. A set does not. -#}
{% macro clickhouse__test_relationships(model, column_name, to, field) %}
    select {{ column_name }} as from_field
    from {{ model }}
    where
        {{ column_name }} is not null
        and {{ column_name }} not in (select {{ field }} from {{ to }} where {{ field }} is not null)
{% endmacro %}
