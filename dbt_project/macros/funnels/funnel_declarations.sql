{#- The funnels that models/intermediate/funnels/declared_funnels.yml declares, checked and completed (macro funnel_plan). A faulty
    declaration stops the build with one line per fault. The variable `funnels` replaces the file, for tests. -#}
{%- macro funnel_plans() -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set declared = funnel_declarations() -%}
    {%- set faults = funnel_faults(declared) -%}
    {%- if faults -%}{{ exceptions.raise_compiler_error('funnels: ' ~ faults | join('\n')) }}{%- endif -%}
    {%- set plans = [] -%}
    {%- for declaration in declared -%}{%- do plans.append(funnel_plan(declaration)) -%}{%- endfor -%}
    {{ return(plans) }}
{%- endmacro -%}

{%- macro funnel_declarations() -%}
    {%- if var('funnels', none) is not none -%}{{ return(var('funnels')) }}{%- endif -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == 'declared_funnels' -%}
        {{ return(node.config.meta.get('funnels') or []) }}
    {%- endfor -%}
    {{ return([]) }}
{%- endmacro -%}

{#- What may be written where. -#}
{%- macro funnel_words() -%}
    {{ return({
        'funnel': ['name', 'title', 'description', 'order', 'window', 'reentry', 'steps', 'exclusions', 'breakdowns', 'value'],
        'step': ['name', 'title', 'source', 'where', 'optional', 'within', 'after', 'first_time'],
        'exclusion': ['name', 'source', 'where', 'from', 'to'],
        'breakdown': ['name', 'column', 'at'],
        'order': ['ordered', 'strict', 'any'],
        'reentry': ['best', 'first'],
        'comparison': ['matches', 'not'],
        'source': {
            'events': ['event_name', 'page_path', 'country', 'region', 'tax_residence', 'platform', 'device_type', 'language',
                       'utm_source', 'utm_medium', 'utm_campaign', 'referrer_host'],
            'revenue': ['event_type', 'plan', 'previous_plan', 'billing_period', 'currency', 'country', 'reason', 'product_id',
                        'subscription_id'],
        },
    }) }}
{%- endmacro -%}

{#- Milliseconds of `90 seconds`, `1 hour`, `7 days`; none when it is no such duration. A day has 24 hours. -#}
{%- macro funnel_duration(text) -%}
    {%- set found = modules.re.match('^([1-9][0-9]{0,5}) (millisecond|second|minute|hour|day|week)s?$', text | string) -%}
    {%- set sizes = {'millisecond': 1, 'second': 1000, 'minute': 60000, 'hour': 3600000, 'day': 86400000, 'week': 604800000} -%}
    {{ return(found.group(1) | int * sizes[found.group(2)] if found else none) }}
{%- endmacro -%}
