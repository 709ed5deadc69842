{#- Active and new people of a day are counted twice by different ways: here from arrays, in kpi_daily from windows. -#}
select
    lifecycle.period_start as day,
    lifecycle.active_users as active_users,
    kpis.dau as dau,
    lifecycle.new_users as new_users,
    kpis.new_users as new_users_of_kpis
from {{ ref('lifecycle_daily') }} as lifecycle
full outer join {{ ref('kpi_daily') }} as kpis on lifecycle.period_start = kpis.kpi_date
where lifecycle.active_users is distinct from kpis.dau or lifecycle.new_users is distinct from kpis.new_users
