{#- Active days are cut from sessions here and from events there; they are the same days. #}
select
    user_days.person_id as person_id,
    user_days.active_date as active_date
from {{ ref('user_days') }} as user_days
full outer join {{ ref('user_day_values') }} as day_values
    on user_days.person_id = day_values.person_id and user_days.active_date = day_values.active_date
where user_days.person_id is null or day_values.person_id is null
