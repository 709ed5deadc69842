{#- What is wrong with declarations of funnels, one line a fault, each naming the funnel and the part. -#}
{%- macro funnel_faults(declared) -%}
    {%- set faults, names, words = [], [], funnel_words() -%}
    {%- if declared is not sequence or declared is string or declared is mapping -%}{{ return(['`funnels` must be a list']) }}{%- endif -%}
    {%- for funnel in declared -%}
        {%- if funnel is not mapping -%}
            {%- do faults.append('funnel ' ~ loop.index ~ ' must be a mapping') -%}
        {%- else -%}
            {%- set name = (funnel.get('name') or loop.index) | string -%}
            {%- if name in names -%}{%- do faults.append('funnel ' ~ name ~ ': declared twice') -%}{%- endif -%}
            {%- do names.append(name) -%}
            {%- for fault in funnel_faults_of(funnel, words) -%}
                {%- do faults.append('funnel ' ~ name ~ ': ' ~ fault) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro -%}

{%- macro funnel_faults_of(funnel, words) -%}
    {%- set faults = funnel_key_faults(funnel, words.funnel) + funnel_name_faults(funnel) -%}
    {%- for part in ('title', 'description') if not (funnel.get(part) or '') | string | trim -%}
        {%- do faults.append('`' ~ part ~ '` is missing') -%}
    {%- endfor -%}
    {%- if funnel.get('order', 'ordered') not in words.order -%}
        {%- do faults.append('`order` is ' ~ funnel.order ~ '; it may be ' ~ words.order | join(', ')) -%}
    {%- endif -%}
    {%- if funnel.get('reentry', 'best') not in words.reentry -%}
        {%- do faults.append('`reentry` is ' ~ funnel.reentry ~ '; it may be ' ~ words.reentry | join(', ')) -%}
    {%- endif -%}
    {%- if funnel_duration(funnel.get('window')) is none -%}
        {%- do faults.append('`window` is ' ~ funnel.get('window', 'missing') ~ '; write a duration such as `7 days` or `1 hour`') -%}
    {%- endif -%}
    {%- if funnel.get('value') is not none and (funnel.value is not number or funnel.value is boolean or funnel.value < 0) -%}
        {%- do faults.append('`value` is ' ~ funnel.value ~ '; it is money per conversion in the reporting currency') -%}
    {%- endif -%}
    {%- for part in ('steps', 'exclusions', 'breakdowns') if not funnel_is_list_of_mappings(funnel.get(part) or []) -%}
        {%- do faults.append('`' ~ part ~ '` must be a list of mappings') -%}
    {%- endfor -%}
    {%- if faults -%}{{ return(faults) }}{%- endif -%}
    {%- set faults = funnel_step_faults(funnel, words) -%}
    {%- if faults -%}{{ return(faults) }}{%- endif -%}
    {{ return(funnel_exclusion_faults(funnel, words) + funnel_breakdown_faults(funnel, words)) }}
{%- endmacro -%}

{%- macro funnel_is_list_of_mappings(found) -%}
    {{ return(found is sequence and found is not string and found is not mapping and found | select('mapping') | list | length == found | length) }}
{%- endmacro -%}

{%- macro funnel_key_faults(part, known) -%}
    {%- set faults = [] -%}
    {%- for key in part if key not in known -%}
        {%- do faults.append('unknown key `' ~ key ~ '`; known are ' ~ known | join(', ')) -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro -%}

{%- macro funnel_name_faults(part) -%}
    {%- set name = part.get('name') -%}
    {{ return([] if name is string and modules.re.match('^[a-z][a-z0-9_]*$', name)
              else ['`name` is ' ~ (name if name is not none else 'missing') ~ '; write lower-case letters, digits and _']) }}
{%- endmacro -%}

{%- macro funnel_step_faults(funnel, words) -%}
    {%- set faults, names, steps = [], [], funnel.get('steps') or [] -%}
    {%- if not steps -%}{{ return(['no steps']) }}{%- endif -%}
    {%- if steps | length + (funnel.get('exclusions') or []) | length > 30 -%}
        {%- do faults.append('more than 30 steps and exclusions') -%}
    {%- endif -%}
    {%- for step in steps -%}
        {%- set name = (step.get('name') or loop.index) | string -%}
        {%- set mine = funnel_key_faults(step, words.step) + funnel_name_faults(step) + funnel_condition_faults(step, words) -%}
        {%- if name in names -%}{%- do mine.append('declared twice') -%}{%- endif -%}
        {%- if name in ['first', 'last'] -%}{%- do mine.append('`name` is ' ~ name ~ '; `first` and `last` are places of breakdowns') -%}{%- endif -%}
        {%- do names.append(name) -%}
        {%- for flag in ('optional', 'first_time') if step.get(flag, false) is not boolean -%}
            {%- do mine.append('`' ~ flag ~ '` is ' ~ step[flag] ~ '; it may be true or false') -%}
        {%- endfor -%}
        {%- for word in ('within', 'after') if word in step and funnel_duration(step[word]) is none -%}
            {%- do mine.append('`' ~ word ~ '` is ' ~ step[word] ~ '; write a duration such as `1 hour`') -%}
        {%- endfor -%}
        {%- set after, time = funnel_duration(step.get('after')), step.get('within', funnel.get('window')) -%}
        {%- if after and after > (funnel_duration(time) or after) -%}
            {%- do mine.append('`after` is ' ~ step.after ~ ', and the time for the step is over in ' ~ time) -%}
        {%- endif -%}
        {%- if loop.first and step.get('optional') -%}{%- do mine.append('the first step cannot be optional') -%}{%- endif -%}
        {%- for word in ('within', 'after') if loop.first and word in step -%}
            {%- do mine.append('the first step has no step before it to be ' ~ word) -%}
        {%- endfor -%}
        {%- if funnel.get('order') == 'any' and (step.get('optional') or 'within' in step or 'after' in step) -%}
            {%- do mine.append('`optional`, `within` and `after` need an order of steps, `order` is any') -%}
        {%- endif -%}
        {%- for fault in mine -%}{%- do faults.append('step ' ~ name ~ ': ' ~ fault) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro -%}

{%- macro funnel_condition_faults(part, words) -%}
    {%- set faults, source = [], part.get('source', 'events') -%}
    {%- if source not in words.source -%}
        {{ return(['`source` is ' ~ source ~ '; it may be ' ~ words.source | join(', ')]) }}
    {%- endif -%}
    {%- if part.get('where') is not mapping or not part.where -%}{{ return(['no condition: write `where` with at least one column']) }}{%- endif -%}
    {%- for column, wanted in part.where.items() -%}
        {%- if column not in words.source[source] and not modules.re.match('^properties\\.[A-Za-z0-9_.-]+$', column | string) -%}
            {%- do faults.append('unknown column `' ~ column ~ '` of ' ~ source ~ '; known are ' ~ words.source[source] | join(', ') ~ ' and properties.<key>') -%}
        {%- elif wanted is mapping -%}
            {%- for comparison, value in wanted.items() -%}
                {%- if comparison not in words.comparison -%}
                    {%- do faults.append('unknown comparison `' ~ comparison ~ '` of `' ~ column ~ '`; known are ' ~ words.comparison | join(', ')) -%}
                {%- elif comparison == 'matches' and (value is not string or not value) -%}
                    {%- do faults.append('`matches` of `' ~ column ~ '` must be a regular expression') -%}
                {%- elif comparison == 'not' and not funnel_values(value) -%}
                    {%- do faults.append('`not` of `' ~ column ~ '` must be a text or a list of texts') -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if not wanted -%}{%- do faults.append('`' ~ column ~ '` is compared with nothing') -%}{%- endif -%}
        {%- elif not funnel_values(wanted) -%}
            {%- do faults.append('`' ~ column ~ '` is compared with nothing; write a text or a list of texts') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro -%}

{%- macro funnel_exclusion_faults(funnel, words) -%}
    {%- set faults, steps = [], funnel.steps | map(attribute='name') | list -%}
    {%- for exclusion in funnel.get('exclusions') or [] -%}
        {%- set name = (exclusion.get('name') or loop.index) | string -%}
        {%- set mine = funnel_key_faults(exclusion, words.exclusion) + funnel_condition_faults(exclusion, words) -%}
        {%- for end in ('from', 'to') if exclusion.get(end) not in steps -%}
            {%- do mine.append('`' ~ end ~ '` is ' ~ exclusion.get(end, 'missing') ~ '; it must be one of the steps ' ~ steps | join(', ')) -%}
        {%- endfor -%}
        {%- if not mine and steps.index(exclusion['from']) >= steps.index(exclusion['to']) -%}
            {%- do mine.append('`from` ' ~ exclusion['from'] ~ ' is not before `to` ' ~ exclusion['to']) -%}
        {%- endif -%}
        {%- for fault in mine -%}{%- do faults.append('exclusion ' ~ name ~ ': ' ~ fault) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro -%}

{%- macro funnel_breakdown_faults(funnel, words) -%}
    {%- set faults, names, steps = [], [], funnel.steps | map(attribute='name') | list -%}
    {%- for breakdown in funnel.get('breakdowns') or [] -%}
        {%- set column = breakdown.get('column') or 'missing' -%}
        {%- set name = (breakdown.get('name') or column) | string -%}
        {%- set mine = funnel_key_faults(breakdown, words.breakdown) -%}
        {%- set known = ['channel'] + words.source.events + words.source.revenue -%}
        {%- if column not in known and not modules.re.match('^properties\\.[A-Za-z0-9_.-]+$', column | string) -%}
            {%- do mine.append('unknown breakdown column `' ~ column ~ '`; known are ' ~ known | unique | join(', ') ~ ' and properties.<key>') -%}
        {%- endif -%}
        {%- if breakdown.get('at', 'first') not in ['first', 'last'] + steps -%}
            {%- do mine.append('`at` is ' ~ breakdown.at ~ '; it may be first, last or one of the steps ' ~ steps | join(', ')) -%}
        {%- endif -%}
        {%- if name in names -%}{%- do mine.append('declared twice') -%}{%- endif -%}
        {%- do names.append(name) -%}
        {%- for fault in mine -%}{%- do faults.append('breakdown ' ~ name ~ ': ' ~ fault) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro -%}
