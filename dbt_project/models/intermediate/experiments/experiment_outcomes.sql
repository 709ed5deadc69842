{{ config(
    materialized=changing_table(),
    replaces='person_id',
    changed='changed_exposed_people',
    order_by='(person_id, experiment_id)',
    meta={
        'variables': ['experiment_pre_period_days', 'experiment_outcome_window_days', 'trial_days', 'session_gap_minutes']
    }
) }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('reporting_period') }}, {{ ref('person_exposures') }}

{# Every measure is a list of facts with a first and a last moment, which differ for sessions and active days only. A
    fact lies after the exposure when its last moment does, and inside the window when its first moment does: what
    somebody does after an exposure on the landing page, that session did. #}
{%- set events = "if(event_name = 'sign_up', 'sign_ups', 'calculators_completed')" -%}
{%- set facts = [
    (events, 'person_events', 'person_id', 'event_at', 'event_at', "event_name in ('sign_up', 'calculator_completed')"),
    ("'trials'", 'trials', 'customer_id', 'started_at', 'started_at', 'true'),
    ("'paid_trials'", 'trials', 'customer_id', 'converted_at', 'converted_at', 'converted_at is not null'),
    ("'sessions'", 'person_sessions', 'person_id', 'started_at', 'ended_at', 'true'),
    ("'active_days'", 'user_days', 'person_id', 'first_event_at', 'last_event_at', 'true'),
    ("'orders'", 'orders', 'customer_id', 'ordered_at', 'ordered_at', 'true'),
    ("'net_revenue'", 'revenue_lines', 'customer_id', 'event_at', 'event_at', 'true'),
] -%}
{%- set counts = experiment_measures() | reject('equalto', 'net_revenue') | list -%}
{%- set horizons = ['pre', 'window', 'to_date'] -%}

with
people as (
    select * from {{ ref('experiment_people') }}
    where not is_crossover
    {%- if only_changes() %} and person_id in ({{ changed_exposed_people() }}){% endif %}
),

facts as (
    {%- for measure, model, person, began_at, ended_at, condition in facts %}
    select
        {{ measure }} as measure,
        {{ person }} as person_id,
        assumeNotNull({{ began_at }}) as began_at,
        assumeNotNull({{ ended_at }}) as ended_at,
        {{ 'assumeNotNull(reporting_amount)' if model == 'revenue_lines' else 'toDecimal128(0, 12)' }} as amount
    from {{ ref(model) }}
    where {{ condition }}
    {%- if only_changes() %} and {{ person }} in ({{ changed_exposed_people() }}){% endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

placed as (
    select
        people.experiment_id as experiment_id,
        people.person_id as person_id,
        facts.measure as measure,
        facts.began_at as began_at,
        facts.amount as amount,
        facts.began_at < people.exposed_at and facts.ended_at >= people.pre_period_begins_at as is_pre,
        facts.ended_at > people.exposed_at as is_to_date,
        facts.ended_at > people.exposed_at and facts.began_at <= people.window_ends_at as is_window
    from facts
    inner join people on facts.person_id = people.person_id
),

measured as (
    select
        {%- for horizon in horizons %}
        {%- for measure in counts %}
        countIf(measure = '{{ measure }}' and is_{{ horizon }}) as {{ horizon }}_{{ measure }},
        {%- endfor %}
        sumIf(amount, measure = 'net_revenue' and is_{{ horizon }}) as {{ horizon }}_net_revenue,
        {%- endfor %}
        {%- for measure in experiment_conversions() %}
        minIf(toNullable(began_at), measure = '{{ measure }}' and is_to_date) as first_{{ measure }}_at,
        {%- endfor %}
        experiment_id,
        person_id
    from placed
    group by experiment_id, person_id
)

select
    -- ids
    people.experiment_id as experiment_id,
    people.person_id as person_id,
    -- strings
    people.arm as arm,
    people.country as country,
    people.device_type as device_type,
    -- numbers
    {%- for horizon in horizons %}
    {%- for measure in counts %}
    coalesce(measured.{{ horizon }}_{{ measure }}, 0) as {{ horizon }}_{{ measure }},
    {%- endfor %}
    {{ to_cents('coalesce(measured.' ~ horizon ~ '_net_revenue, 0)') }} as {{ horizon }}_net_revenue,
    {%- endfor %}
    -- dates
    people.exposed_on as exposed_on,
    -- timestamps
    {%- for measure in experiment_conversions() %}
    measured.first_{{ measure }}_at as first_{{ measure }}_at,
    {%- endfor %}
    people.exposed_at as exposed_at,
    people.window_ends_at as window_ends_at
from people
left join measured on people.experiment_id = measured.experiment_id and people.person_id = measured.person_id
