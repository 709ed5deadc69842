{#- Fails for every row with money in a currency that has no rate into the reporting currency on the day of `moment`. -#}
{% test has_rate(model, currency, moment, money) %}
    select
        priced.currency,
        min(priced.day) as first_day,
        count() as row_count
    from (
        select
            {{ currency }} as currency,
            {{ reporting_date(moment) }} as day
        from {{ model }}
        where
            {{ money }} != 0
            and {{ currency }} != '{{ dataset_setting("reporting_currency") }}'
    ) as priced
    left join ({{ first_rated_dates() }}) as rates on priced.currency = rates.currency
    where coalesce(rates.currency, '') = '' or priced.day < rates.first_rated_date
    group by priced.currency
{% endtest %}
