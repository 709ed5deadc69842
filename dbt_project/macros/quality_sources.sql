{#- The raw tables that data_quality looks at: the column that says on which day a row counts, and the text columns that
    should be filled. Limits are in seeds/quality_checks.csv and seeds/quality_sources.csv. -#}
{%- macro quality_sources() -%}
    {{ return({
        'user_events': ['event_at', ['event_name', 'anonymous_id', 'country', 'device_type', 'page_path']],
        'calculator_usage': ['event_at', ['calculation_id', 'calculator', 'anonymous_id', 'country']],
        'revenue_events': ['event_at', ['user_id', 'currency', 'country']],
        'experiment_exposures': ['event_at', ['experiment_id', 'arm', 'anonymous_id']],
        'marketing_spend': ['spend_date', ['channel', 'currency', 'country']],
        'performance_metrics': ['event_at', ['route', 'server']],
        'system_metrics': ['event_at', ['host', 'metric']],
        'competitor_pricing': ['event_at', ['competitor', 'plan', 'currency']],
        'competitor_features': ['event_at', ['competitor', 'feature', 'value']],
        'competitor_seo': ['event_at', ['competitor', 'metric']],
        'market_trends': ['period_start', ['topic', 'metric']],
    }) }}
{%- endmacro -%}
