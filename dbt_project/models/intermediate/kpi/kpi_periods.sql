{{ config(order_by='(period_type, period_start)') }}

{#- An unfinished period counts its finished days; while it has none, what there is. Reference periods of an
    unfinished one are cut after the same number of days. A week's year before begins 364 days earlier, on the same
    day of the week; 29 February's is 28 February. -#}
with
days as (
    select
        days.day as day,
        period.first_date as first_date,
        period.as_of_date as as_of_date,
        coalesce(
            (select maxIf(all_days.day, not all_days.is_partial) from {{ ref('reporting_days') }} as all_days),
            toDate('1970-01-01')
        ) as last_finished_date
    from {{ ref('reporting_days') }} as days
    cross join {{ ref('reporting_period') }} as period
),

periods as (
    select distinct
        first_date,
        as_of_date,
        last_finished_date,
        arrayJoin(
            [
                ('day', day, day, day - 1, day - toIntervalYear(1), day - toIntervalYear(1)),
                (
                    'week',
                    toMonday(day),
                    toMonday(day) + 6,
                    toMonday(day) - 7,
                    toMonday(day) - 364,
                    toMonday(day) - 358
                ),
                (
                    'month',
                    toStartOfMonth(day),
                    toLastDayOfMonth(day),
                    toStartOfMonth(day) - toIntervalMonth(1),
                    toStartOfMonth(day) - toIntervalYear(1),
                    toLastDayOfMonth(toStartOfMonth(day) - toIntervalYear(1))
                ),
                (
                    'quarter',
                    toStartOfQuarter(day),
                    toStartOfQuarter(day) + toIntervalMonth(3) - 1,
                    toStartOfQuarter(day) - toIntervalMonth(3),
                    toStartOfQuarter(day) - toIntervalYear(1),
                    toStartOfQuarter(day) - toIntervalMonth(9) - 1
                )
            ]
        ) as period
    from days
),

cut as (
    select
        *,
        period.2 as period_start,
        period.3 as period_end,
        last_finished_date >= period_start as has_finished_day,
        least(period_end, if(has_finished_day, last_finished_date, as_of_date)) as to_day,
        to_day < period_end as is_cut
    from periods
)

select
    -- strings
    period.1 as period_type,
    -- booleans
    period_end > last_finished_date as is_unfinished,
    period_start < first_date as begins_before_data,
    has_finished_day,
    -- dates
    period_start,
    period_end,
    to_day,
    period.4 as previous_from,
    least(period_start - 1, if(is_cut, period.4 + (to_day - period_start), period_start - 1)) as previous_to,
    period.5 as year_before_from,
    least(period.6, if(is_cut, period.5 + (to_day - period_start), period.6)) as year_before_to,
    first_date,
    last_finished_date
from cut
