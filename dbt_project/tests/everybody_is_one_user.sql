{#- Everybody who was seen and everybody who bought has exactly one row of users. -#}
with
everybody as (
    select person_id from {{ ref('people') }}
    union distinct
    select customer_id as person_id from {{ ref('revenue_lines') }}
    where customer_id != ''
)

select
    everybody.person_id as person_id,
    countIf(users.person_id != '') as rows_of_users
from everybody
left join {{ ref('users') }} as users on everybody.person_id = users.person_id
group by person_id
having rows_of_users != 1
