-- Every month opens with the balance with which the month before it ended, in each currency and in total.
with
joined as (
    select
        booking,
        currency,
        month,
        mrr_start,
        lag(mrr_end, 1, toDecimal128(0, 12)) over (partition by booking, currency order by month asc) as end_before
    from {{ ref('mrr_figures') }}
)

select * from joined
where mrr_start != end_before
