with
months as (
    select distinct
        person_id,
        date_trunc('month', day)::date as month
    from {{ ref('person_days') }}
),

cohorts as (
    select
        person_id,
        min(month) as cohort
    from months
    group by person_id
)

select
    cohorts.cohort as cohort_month,
    date_diff('month', cohorts.cohort, months.month) as month_number,
    count(*) as people
from months
inner join cohorts on months.person_id = cohorts.person_id
group by cohort_month, month_number
