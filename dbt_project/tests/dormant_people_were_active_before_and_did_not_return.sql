{#- dormant(t+1) = active(t) − returning(t+1), for every pair of neighbouring periods of the three marts. -#}
{% for granularity, mart in [('day', 'daily'), ('week', 'weekly'), ('month', 'monthly')] %}
select
    '{{ granularity }}' as granularity,
    this_period.period_start as period_start,
    previous_period.active_users as active_users_before,
    this_period.returning_users as returning_users,
    this_period.dormant_users as dormant_users
from {{ ref('lifecycle_' ~ mart) }} as previous_period
inner join {{ ref('lifecycle_' ~ mart) }} as this_period
    on {{ shift_period(granularity, 'previous_period.period_start') }} = this_period.period_start
where this_period.dormant_users + this_period.returning_users != previous_period.active_users
{% if not loop.last %}union all{% endif %}
{% endfor %}
