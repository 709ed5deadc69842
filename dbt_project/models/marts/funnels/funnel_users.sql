{{ config(materialized='view') }}

select
    -- ids
    cast(person_funnels.funnel as String) as funnel,
    cast(person_funnels.person_id as String) as person_id,
    -- strings
    cast(person_funnels.breakdown_values as Map(String, String)) as breakdown_values,
    -- numbers
    cast(person_funnels.furthest_step as UInt8) as furthest_step,
    cast(person_funnels.steps_done as UInt32) as steps_done,
    -- booleans
    cast(person_funnels.is_excluded as Bool) as is_excluded,
    cast(person_funnels.is_best as Bool) as is_best,
    cast({{ funnel_is_complete('person_funnels', 'reporting_period') }} as Bool) as is_complete,
    -- dates
    cast(person_funnels.entry_date as Date) as entry_date,
    -- timestamps
    cast(person_funnels.entered_at as DateTime64(3, 'UTC')) as entered_at,
    cast(person_funnels.window_ends_at as DateTime64(3, 'UTC')) as window_ends_at,
    cast(person_funnels.step_times as Array(Nullable(DateTime64(3, 'UTC')))) as step_times
from {{ ref('person_funnels') }} as person_funnels
cross join {{ ref('reporting_period') }} as reporting_period
