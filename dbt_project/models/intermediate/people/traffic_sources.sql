{#- Most events carry no source: they are found by their first, and the others are few. -#}
with
tagged as (
    select distinct
        utm_source,
        utm_medium,
        referrer_host
    from {{ ref('person_events') }}
    where utm_source != '' or utm_medium != '' or referrer_host != ''
),

untagged as (
    select
        utm_source,
        utm_medium,
        referrer_host
    from {{ ref('person_events') }}
    where utm_source = '' and utm_medium = '' and referrer_host = ''
    limit 1 -- noqa: AM09
),

sources as (
    select * from tagged
    union all
    select * from untagged
),

rules as (
    select * from {{ ref('channel_rules') }}
)

select
    sources.utm_source as utm_source,
    sources.utm_medium as utm_medium,
    sources.referrer_host as referrer_host,
    argMin(rules.channel, rules.priority) as channel
from sources
cross join rules
where
    match(lower(sources.utm_source), rules.utm_source_matches)
    and match(lower(sources.utm_medium), rules.utm_medium_matches)
    and match(lower(sources.referrer_host), rules.referrer_host_matches)
group by
    utm_source,
    utm_medium,
    referrer_host
