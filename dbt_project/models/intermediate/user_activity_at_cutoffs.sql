{{ config(order_by='(cutoff_date, user_id)') }}

{#- A user's days are sorted arrays once, and each cut-off is a mask over them: nothing is joined to events. `day.2` of
    a row is its day, `day.3` and `day.4` say at which cut-offs it is known. -#}
with
facts as (
    select
        *,
        if(anonymous_id = '', person_id, '') as carried_user_id
    from {{ ref('user_day_facts') }}
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
        arraySort(
            groupArray((
                first_position,
                active_date,
                known_from,
                known_until,
                first_channel,
                first_device_type,
                events,
                page_views,
                calculators_started,
                calculators_completed,
                calculator_errors,
                checkouts_started,
                has_signed_up
            ))
        ) as days,
        arraySort(groupArrayIf((country_position, country, known_from, known_until), country != '')) as countries,
        arraySort(
            groupArrayIf((tax_residence_position, tax_residence, known_from, known_until), tax_residence != '')
        ) as residences,
        groupArrayArray(arrayMap(calculator -> (calculator, known_from, known_until), calculators)) as calculators,
        {# A run begins at its first event, and keeps a session open until a pause after its last one. #}
        arraySort(
            groupArrayArray(
                arrayConcat(
                    arrayMap(visit -> (visit.1, 1, active_date, known_from, known_until), visits),
                    arrayMap(
                        visit -> (
                            visit.2 + toIntervalMinute({{ var('session_gap_minutes') }}),
                            2,
                            active_date,
                            known_from,
                            known_until
                        ),
                        visits
                    )
                )
            )
        ) as edges
    from held
    where user_id != '' and known_from < known_until
    group by user_id
),

at_cutoffs as (
    select
        histories.user_id as user_id,
        cutoffs.cutoff_date as cutoff,
        arrayFilter(day -> day.3 <= cutoff and cutoff < day.4, histories.days) as days,
        arrayDistinct(tupleElement(days, 2)) as dates,
        arrayFilter(day -> day.2 > cutoff - 90, days) as recent,
        tupleElement(arrayLast(place -> place.3 <= cutoff and cutoff < place.4, histories.countries), 2) as country,
        tupleElement(arrayLast(place -> place.3 <= cutoff and cutoff < place.4, histories.residences), 2)
            as tax_residence,
        arrayUniq(
            tupleElement(arrayFilter(used -> used.2 <= cutoff and cutoff < used.3, histories.calculators), 1)
        ) as distinct_calculators,
        arrayFilter(edge -> edge.4 <= cutoff and cutoff < edge.5, histories.edges) as edges,
        arrayMap(edge -> if(edge.2 = 1, 1, -1), edges) as steps,
        {# A session begins where none is open. #}
        arrayFilter(
            (day, step, open) -> step = 1 and open = 1, tupleElement(edges, 3), steps, arrayCumSum(steps)
        ) as session_dates
    from histories
    cross join {{ ref('feature_cutoffs') }} as cutoffs
    where histories.first_known_on <= cutoffs.cutoff_date
)

select
    -- ids
    user_id,
    -- strings
    tupleElement(days[1], 5) as first_channel,
    tupleElement(days[1], 6) as first_device_type,
    country,
    tax_residence,
    -- numbers
    length(dates) as active_days,
    arrayCount(day -> day > cutoff - 7, dates) as active_days_7d,
    arrayCount(day -> day > cutoff - 30, dates) as active_days_30d,
    arrayCount(day -> day > cutoff - 60 and day <= cutoff - 30, dates) as active_days_30d_before,
    arrayCount(day -> day > cutoff - 90, dates) as active_days_90d,
    length(session_dates) as sessions,
    arrayCount(day -> day > cutoff - 30, session_dates) as sessions_30d,
    arrayCount(day -> day > cutoff - 90, session_dates) as sessions_90d,
    arraySum(tupleElement(days, 7)) as events,
    arraySum(day -> if(day.2 > cutoff - 30, day.7, 0), recent) as events_30d,
    arraySum(tupleElement(recent, 7)) as events_90d,
    arraySum(tupleElement(recent, 8)) as page_views_90d,
    arraySum(tupleElement(days, 9)) as calculators_started,
    arraySum(tupleElement(recent, 9)) as calculators_started_90d,
    arraySum(tupleElement(recent, 10)) as calculators_completed_90d,
    arraySum(tupleElement(recent, 11)) as calculator_errors_90d,
    arraySum(tupleElement(recent, 12)) as checkouts_started_90d,
    distinct_calculators,
    -- dates
    cutoff as cutoff_date,
    dates[1] as first_active_date,
    dates[-1] as last_active_date,
    nullIf(tupleElement(arrayFirst(day -> day.13, days), 2), toDate(0)) as signed_up_on
from at_cutoffs
where notEmpty(days)
