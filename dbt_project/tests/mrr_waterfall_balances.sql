-- Every month has its seven steps; they begin with the opening balance and add up to the closing one.
with
waterfall as (
    select
        booking,
        month,
        count() as steps,
        sum(mrr_change) as closing_mrr,
        sumIf(mrr_change, step = 'opening') as opening_mrr,
        sumIf(mrr_change, step in ('contraction', 'churn')) as lost_mrr
    from {{ ref('mrr_waterfall') }}
    group by booking, month
),

movements as (
    select
        booking,
        month,
        mrr_start,
        mrr_end,
        -contraction_mrr - churn_mrr as lost_mrr
    from {{ ref('mrr_movements_total') }}
)

select
    movements.booking,
    movements.month
from movements
left join waterfall on movements.booking = waterfall.booking and movements.month = waterfall.month
where
    coalesce(waterfall.steps, 0) != 7
    or waterfall.closing_mrr != movements.mrr_end
    or waterfall.opening_mrr != movements.mrr_start
    or waterfall.lost_mrr != movements.lost_mrr
