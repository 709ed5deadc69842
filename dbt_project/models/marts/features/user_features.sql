{{ config(
    materialized=changing_table(),
    replaces="if(is_as_of, '', user_id)",
    changed='changed_features',
    order_by='(cutoff_date, user_id)',
    meta={
        'variables': [
            'session_gap_minutes', 'trial_days', 'season_days_before_deadline', 'season_days_after_deadline'
        ],
        'decided_by': ['cutoffs_that_are_over']
    }
) }}
-- depends_on: {{ ref('person_changes') }}, {{ ref('event_changes') }}, {{ ref('user_identities') }}
-- depends_on: {{ ref('shared_purchases') }}

{# A build of changes computes all rows of users that changed, and everybody's row at the as-of date. #}
{# Joins read the same whether a missing row is NULL or the default of its type: unit tests run without the setting that
    makes it NULL. #}
{% set activity_columns = [
    'user_id', 'first_channel', 'first_device_type', 'country', 'tax_residence', 'active_days', 'active_days_7d', 'active_days_30d',
    'active_days_30d_before', 'active_days_90d', 'sessions', 'sessions_30d', 'sessions_90d', 'events', 'events_30d', 'events_90d',
    'page_views_90d', 'calculators_started', 'calculators_started_90d', 'calculators_completed_90d', 'calculator_errors_90d',
    'checkouts_started_90d', 'distinct_calculators', 'cutoff_date', 'first_active_date', 'last_active_date', 'signed_up_on'
] %}

with
to_date as (
    select
        users.*,
        cutoffs.cutoff_date as cutoff_date,
        {{ activity_windows('cutoff_date', 'recent_dates', 'recent_session_dates', 'recent_days') }}
    from {{ ref('user_activity_to_date') }} as users
    cross join {{ ref('feature_cutoffs') }} as cutoffs
    where cutoffs.is_as_of
),

activity as (
    select {{ activity_columns | join(', ') }} from {{ of_changed_features(ref('user_activity_at_cutoffs')) }}
    union all
    select {{ activity_columns | join(', ') }} from to_date
),

joined as (
    select
        activity.* except (user_id, cutoff_date, country, first_active_date, last_active_date),
        purchases.* except (user_id, cutoff_date, last_order_date),
        coalesce(nullIf(activity.user_id, ''), purchases.user_id) as user_id,
        coalesce(activity.country, '') as country,
        if(coalesce(activity.user_id, '') = '', purchases.cutoff_date, activity.cutoff_date) as cutoff_date,
        nullIf(activity.first_active_date, toDate(0)) as first_active_date,
        nullIf(activity.last_active_date, toDate(0)) as last_active_date,
        nullIf(purchases.last_order_date, toDate(0)) as last_order_date,
        least(
            coalesce(nullIf(activity.first_active_date, toDate(0)), cutoff_date),
            coalesce(nullIf(purchases.first_purchase_date, toDate(0)), cutoff_date)
        ) as first_seen_date
    from activity
    full outer join {{ of_changed_features(ref('user_purchases_at_cutoffs')) }} as purchases
        on activity.user_id = purchases.user_id and activity.cutoff_date = purchases.cutoff_date
),

subscriptions as (
    select * from {{ of_changed_features(ref('user_subscriptions_at_cutoffs')) }}
),

calendar as (
    select * from {{ ref('filing_calendar') }}
),

cutoffs as (
    select * from {{ ref('feature_cutoffs') }}
)

select
    -- ids
    cast(joined.user_id as String) as user_id,
    -- strings
    cast(coalesce(joined.first_channel, '') as String) as first_channel,
    cast(coalesce(joined.first_device_type, '') as String) as first_device_type,
    cast(joined.country as String) as country,
    cast(coalesce(joined.tax_residence, '') as String) as tax_residence,
    cast(coalesce(subscriptions.plan, '') as String) as plan,
    cast(coalesce(nullIf(subscriptions.trial_state, ''), 'none') as String) as trial_state,
    -- numbers
    cast(joined.cutoff_date - joined.first_seen_date as UInt32) as tenure_days,
    cast(joined.cutoff_date - joined.signed_up_on as Nullable(UInt32)) as days_since_sign_up,
    cast(joined.cutoff_date - joined.last_active_date as Nullable(UInt32)) as days_since_last_active,
    cast(
        if(
            joined.active_days > 1,
            (joined.last_active_date - joined.first_active_date) / (joined.active_days - 1),
            null
        ) as Nullable(Float64)
    ) as mean_days_between_active_days,
    cast(coalesce(joined.active_days_7d, 0) as UInt32) as active_days_7d,
    cast(coalesce(joined.active_days_30d, 0) as UInt32) as active_days_30d,
    cast(coalesce(joined.active_days_90d, 0) as UInt32) as active_days_90d,
    cast(coalesce(joined.active_days, 0) as UInt32) as active_days,
    cast(
        toInt32(coalesce(joined.active_days_30d, 0)) - toInt32(coalesce(joined.active_days_30d_before, 0)) as Int32
    ) as active_days_change_30d,
    cast(coalesce(joined.sessions_30d, 0) as UInt32) as sessions_30d,
    cast(coalesce(joined.sessions_90d, 0) as UInt32) as sessions_90d,
    cast(coalesce(joined.sessions, 0) as UInt32) as sessions,
    cast(coalesce(joined.events_30d, 0) as UInt64) as events_30d,
    cast(coalesce(joined.events_90d, 0) as UInt64) as events_90d,
    cast(coalesce(joined.events, 0) as UInt64) as events,
    cast(coalesce(joined.page_views_90d, 0) as UInt64) as page_views_90d,
    cast(coalesce(joined.calculators_started_90d, 0) as UInt64) as calculators_started_90d,
    cast(coalesce(joined.calculators_completed_90d, 0) as UInt64) as calculators_completed_90d,
    cast(coalesce(joined.calculator_errors_90d, 0) as UInt64) as calculator_errors_90d,
    cast(coalesce(joined.calculators_started, 0) as UInt64) as calculators_started,
    cast(coalesce(joined.distinct_calculators, 0) as UInt32) as distinct_calculators,
    cast(coalesce(joined.checkouts_started_90d, 0) as UInt64) as checkouts_started_90d,
    cast(coalesce(joined.orders_90d, 0) as UInt32) as orders_90d,
    cast(coalesce(joined.orders, 0) as UInt32) as orders,
    cast(joined.cutoff_date - joined.last_order_date as Nullable(UInt32)) as days_since_last_order,
    cast({{ to_cents('coalesce(joined.net_revenue_90d, 0)') }} as Decimal(18, 2)) as net_revenue_90d,
    cast({{ to_cents('coalesce(joined.net_revenue, 0)') }} as Decimal(18, 2)) as net_revenue,
    cast({{ to_cents('coalesce(joined.refunds, 0)') }} as Decimal(18, 2)) as refunds,
    cast({{ to_cents('coalesce(subscriptions.mrr, 0)') }} as Decimal(18, 2)) as mrr,
    cast(joined.cutoff_date - nullIf(calendar.last_due_date, toDate(0)) as Nullable(UInt32))
        as days_since_last_deadline,
    cast(nullIf(calendar.next_due_date, toDate(0)) - joined.cutoff_date as Nullable(UInt32)) as days_to_next_deadline,
    -- booleans
    cast(coalesce(calendar.is_in_season, false) as Bool) as is_in_season,
    cast(cutoffs.is_as_of as Bool) as is_as_of,
    cast(cutoffs.is_partial as Bool) as is_partial,
    -- dates
    cast(joined.cutoff_date as Date) as cutoff_date
from joined
inner join cutoffs on joined.cutoff_date = cutoffs.cutoff_date
left join subscriptions
    on joined.user_id = subscriptions.user_id and joined.cutoff_date = subscriptions.cutoff_date
left join calendar on joined.country = calendar.country and joined.cutoff_date = calendar.day
