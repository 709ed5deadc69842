{{ config(
    materialized=changing_table(),
    replaces='user_id',
    changed='changed_users',
    order_by='(user_id, cutoff_date)',
    meta={'variables': ['session_gap_minutes'], 'decided_by': ['cutoffs_that_are_over']}
) }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('event_changes') }}

{# A user's days are sorted arrays once, and each cut-off is a mask over them: nothing is joined to events. `day.3` and
    `day.4` of a row say at which cut-offs it is known. #}
with
facts as (
    select
        *,
        if(anonymous_id = '', person_id, '') as carried_user_id
    from {{ ref('user_day_facts') }}
    {% if only_changes() %}
    where person_id in (
        {{ changed_users() }}
        union all
        select concat('anonymous:', shared.anonymous_id) as person_id from {{ ref('user_identities') }} as shared
        where shared.is_conflict and shared.first_user_id in ({{ changed_users() }})
    )
    {% endif %}
),

held as (
    select
        facts.*,
        {{ known_user('facts.carried_user_id', 'identities') }} as user_id,
        {{ known_from('facts.carried_user_id', 'facts.active_date', 'identities') }} as known_from,
        {{ known_until('facts.carried_user_id', 'identities') }} as known_until
    from facts
    left join {{ ref('user_identities') }} as identities on facts.anonymous_id = identities.anonymous_id
),

histories as (
    select
        user_id,
        min(known_from) as first_known_on,
        {{ activity_history() }}
    from held
    where
        user_id != ''
        and known_from < known_until
        and {{ 'user_id in (' ~ changed_users() ~ ')' if only_changes() else 'true' }}
    group by user_id
),

at_cutoffs as (
    select
        histories.user_id as user_id,
        cutoffs.cutoff_date as cutoff,
        arrayFilter(day -> day.3 <= cutoff and cutoff < day.4, histories.days) as days,
        arrayDistinct(tupleElement(days, 2)) as dates,
        arrayMap(
            day -> (day.2, day.7, day.8, day.9, day.10, day.11, day.12), arrayFilter(day -> day.2 > cutoff - 90, days)
        ) as recent,
        tupleElement(arrayLast(place -> place.3 <= cutoff and cutoff < place.4, histories.countries), 2) as country,
        tupleElement(arrayLast(place -> place.3 <= cutoff and cutoff < place.4, histories.residences), 2)
            as tax_residence,
        arrayUniq(
            tupleElement(arrayFilter(used -> used.2 <= cutoff and cutoff < used.3, histories.calculators), 1)
        ) as distinct_calculators,
        arrayFilter(edge -> edge.4 <= cutoff and cutoff < edge.5, histories.edges) as edges,
        {{ session_dates('edges') }} as session_dates
    from histories
    cross join {{ ref('feature_cutoffs') }} as cutoffs
    where not cutoffs.is_as_of and histories.first_known_on <= cutoffs.cutoff_date
)

select
    -- ids
    user_id,
    -- strings
    country,
    tax_residence,
    -- numbers
    distinct_calculators,
    {{ activity_windows('cutoff', 'dates', 'session_dates', 'recent') }},
    -- dates
    cutoff as cutoff_date,
    -- all that is known
    {{ activity_figures() }}
from at_cutoffs
where notEmpty(days)
