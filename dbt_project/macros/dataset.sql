{#- The data set that this run works on, and what follows from it. gtc/settings/datasets.py holds the same rule for
    Python; tests/unit/test_dataset_rule.py compares them. -#}

{%- macro dataset_name() -%}
    {{ return(env_var('GTC_DATASET', 'globaltaxcalc')) }}
{%- endmacro -%}

{#- Database of the raw tables: `raw` for globaltaxcalc, `<data set>_raw` for any other. -#}
{%- macro raw_database() -%}
    {{ return('raw' if dataset_name() == 'globaltaxcalc' else dataset_name() ~ '_raw') }}
{%- endmacro -%}

{#- One entry of the variable `datasets`, for this data set: `time_zone` or `reporting_currency`. -#}
{%- macro dataset_setting(name) -%}
    {%- set datasets = var('datasets') -%}
    {%- set entry = dataset_name() if dataset_name() in datasets else 'default' -%}
    {{ return(datasets[entry][name]) }}
{%- endmacro -%}
