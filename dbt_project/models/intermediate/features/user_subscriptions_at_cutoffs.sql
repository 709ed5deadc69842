{{ config(order_by='(cutoff_date, user_id)') }}

{#- Whose a subscription is, to somebody who knew no later event: of the first change that names a user by then. -#}
with
changes as (
    select
        changes.subscription_id as subscription_id,
        changes.change_number as change_number,
        {{ known_user('changes.user_id', 'identities') }} as user_id,
        {{ known_from('changes.user_id', reporting_date('changes.event_at'), 'identities') }} as known_from,
        {{ known_until('changes.user_id', 'identities') }} as known_until
    from {{ ref('subscription_changes') }} as changes
    left join {{ ref('user_identities') }} as identities on changes.anonymous_id = identities.anonymous_id
),

owners as (
    select
        changes.subscription_id as subscription_id,
        cutoffs.cutoff_date as cutoff_date,
        argMin(changes.user_id, changes.change_number) as user_id
    from changes
    cross join {{ ref('feature_cutoffs') }} as cutoffs
    where
        changes.user_id != ''
        and changes.known_from <= cutoffs.cutoff_date
        and cutoffs.cutoff_date < changes.known_until
    group by subscription_id, cutoff_date
),

rates as (
    {{ rates_into_reporting_currency() }}
),

running as (
    select
        owners.user_id as user_id,
        owners.cutoff_date as cutoff_date,
        spans.currency as currency,
        spans.mrr as mrr,
        spans.plan as plan,
        (spans.valid_from, spans.subscription_id) as position
    from {{ ref('subscription_spans') }} as spans
    inner join owners on spans.subscription_id = owners.subscription_id
    where
        {{ reporting_date('spans.valid_from') }} <= owners.cutoff_date
        and (spans.valid_to is null or {{ reporting_date('spans.valid_to') }} > owners.cutoff_date)
),

subscribed as (
    select
        running.user_id as user_id,
        running.cutoff_date as cutoff_date,
        argMax(running.plan, running.position) as plan,
        sum(
            toDecimal128(running.mrr, 4)
            * {{ rate_of('running.currency', 'rates.rate', 'running.mrr') }}
        ) as mrr
    from running
    asof left join rates on running.currency = rates.currency and running.cutoff_date >= rates.valid_from
    group by user_id, cutoff_date
),

tried as (
    select
        owners.user_id as user_id,
        owners.cutoff_date as cutoff_date,
        argMax(
            multiIf(
                coalesce({{ reporting_date('trials.converted_at') }} <= owners.cutoff_date, false), 'converted',
                {{ reporting_date('trials.ends_at') }} <= owners.cutoff_date, 'expired',
                'running'
            ),
            (trials.started_at, trials.subscription_id, trials.trial_number)
        ) as trial_state
    from {{ ref('trials') }} as trials
    inner join owners on trials.subscription_id = owners.subscription_id
    where {{ reporting_date('trials.started_at') }} <= owners.cutoff_date
    group by user_id, cutoff_date
)

select
    -- ids
    assumeNotNull(coalesce(subscribed.user_id, tried.user_id)) as user_id,
    -- strings
    coalesce(subscribed.plan, '') as plan,
    coalesce(tried.trial_state, 'none') as trial_state,
    -- numbers
    subscribed.mrr as mrr,
    -- dates
    assumeNotNull(coalesce(subscribed.cutoff_date, tried.cutoff_date)) as cutoff_date
from subscribed
full outer join tried on subscribed.user_id = tried.user_id and subscribed.cutoff_date = tried.cutoff_date
