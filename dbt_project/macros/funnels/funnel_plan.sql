{#- A checked declaration with every default filled in and every name turned into a number. -#}
{%- macro funnel_plan(declaration) -%}
    {%- set steps, exclusions, breakdowns, names = [], [], [], declaration.steps | map(attribute='name') | list -%}
    {%- for step in declaration.steps -%}
        {%- do steps.append({
            'number': loop.index,
            'name': step.name,
            'title': step.get('title') or step.name,
            'source': step.get('source', 'events'),
            'where': step.where,
            'optional': step.get('optional', false),
            'first_time': step.get('first_time', false),
            'within': funnel_duration(step.within) if 'within' in step else none,
            'after': funnel_duration(step.after) if 'after' in step else 0,
        }) -%}
    {%- endfor -%}
    {%- for exclusion in declaration.get('exclusions') or [] -%}
        {%- do exclusions.append({
            'number': loop.index,
            'source': exclusion.get('source', 'events'),
            'where': exclusion.where,
            'from': names.index(exclusion['from']) + 1,
            'to': names.index(exclusion['to']) + 1,
        }) -%}
    {%- endfor -%}
    {%- for breakdown in declaration.get('breakdowns') or [] -%}
        {%- set at = breakdown.get('at', 'first') -%}
        {%- do breakdowns.append({
            'number': loop.index,
            'name': breakdown.get('name') or breakdown.column,
            'column': breakdown.column,
            'at': 1 if at == 'first' else ('last' if at == 'last' else names.index(at) + 1),
            'known_at': {'first': 1, 'last': names | length}.get(at) or names.index(at) + 1,
        }) -%}
    {%- endfor -%}
    {{ return({
        'name': declaration.name,
        'title': declaration.title,
        'description': declaration.description,
        'order': declaration.get('order', 'ordered'),
        'reentry': declaration.get('reentry', 'best'),
        'window': funnel_duration(declaration.window),
        'value': declaration.get('value'),
        'steps': steps,
        'exclusions': exclusions,
        'breakdowns': breakdowns,
        'reachable': funnel_reachable(steps),
    }) }}
{%- endmacro -%}

{#- For each step, the steps that may come next: up to the first one that is not optional. -#}
{%- macro funnel_reachable(steps) -%}
    {%- set reachable = [] -%}
    {%- for step in steps -%}
        {%- set next_steps = [] -%}
        {%- for later in steps[step.number:] -%}
            {%- if not next_steps or steps[next_steps[-1] - 1].optional -%}{%- do next_steps.append(later.number) -%}{%- endif -%}
        {%- endfor -%}
        {%- do reachable.append(next_steps) -%}
    {%- endfor -%}
    {{ return(reachable) }}
{%- endmacro -%}

{#- Whether no event fits two of the parts, as they ask for different values of one column. -#}
{%- macro funnel_is_disjoint(parts) -%}
    {%- for part in parts -%}
        {%- for other in parts[loop.index:] if other.source == part.source -%}
            {%- set apart = [] -%}
            {%- for column, wanted in part.where.items() -%}
                {%- set mine, theirs = funnel_values(wanted), funnel_values(other.where.get(column)) -%}
                {%- if mine and theirs and not mine | select('in', theirs) | list -%}{%- do apart.append(column) -%}{%- endif -%}
            {%- endfor -%}
            {%- if not apart -%}{{ return(false) }}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro -%}

{#- The texts with which a condition compares for equality; none of them when it compares otherwise. -#}
{%- macro funnel_values(wanted) -%}
    {%- if wanted is none or wanted is mapping or wanted is undefined -%}{{ return([]) }}{%- endif -%}
    {%- if wanted is string or wanted is number or wanted is boolean -%}
        {{ return([wanted | string | lower if wanted is boolean else wanted | string]) }}
    {%- endif -%}
    {%- for value in wanted if value is none or value is mapping or (value is sequence and value is not string) -%}
        {{ return([]) }}
    {%- endfor -%}
    {{ return(wanted | map('string') | list) }}
{%- endmacro -%}
