"""What the pages of the dashboards ask of the marts: one query per chart, with the filters that a reader sets.

`{as_of}` is the last day of the data and `{year_ago}` the same day a year before, as SQL dates.
"""

QUERIES: dict[str, dict[str, str]] = {
    "executive": {
        "KPIs with their comparisons": """
            select kpi, label, unit, value, previous_relative_change, year_before_relative_change, is_partial
            from kpi_summary
            where period_type = 'month' and dimension = 'all'
                and period_start = (
                    select max(period_start) from kpi_summary where period_type = 'month' and not is_partial
                )
            order by kpi""",
        "revenue and users over time": """
            select kpi_date, net_revenue, gross_revenue, dau, mau, is_partial
            from kpi_daily where kpi_date > {year_ago} order by kpi_date""",
        "conversion by country": """
            select dimension_value, sum(conversions) as conversions, sum(sign_ups) as sign_ups
            from kpi_breakdown_daily where dimension = 'country' and kpi_date > {as_of} - 90
            group by dimension_value order by conversions desc limit 20""",
        "MRR waterfall": """
            select month, mrr_start, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, churn_mrr, mrr_end
            from mrr_movements_total where booking = 'month_end' order by month""",
        "health": "select error_rate, latency_p95_ms from kpi_daily where kpi_date > {as_of} - 30 order by kpi_date",
    },
    "users": {
        "stickiness": """
            select period_start, active_days, share_at_least from stickiness
            where granularity = 'month' order by period_start, active_days""",
        "lifecycle by day": "select * from lifecycle_daily where period_start > {as_of} - 90 order by period_start",
        "retention heat map": """
            select cohort_start, period_number, retention_rate from cohort_analysis
            where cohort = 'first_activity' and granularity = 'month' and breakdown = 'all' order by 1, 2""",
        "retention of weekly cohorts of a country": """
            select cohort_start, period_number, retention_rate from cohort_analysis
            where cohort = 'first_activity' and granularity = 'week'
                and breakdown = 'country' and breakdown_value = 'DE'
            order by 1, 2""",
        "retention curve by day": """
            select period_number, retention_rate from cohort_averages
            where cohort = 'first_activity' and granularity = 'day' and breakdown = 'all' order by 1""",
        "RFM segments of the last month": """
            select rfm_segment, count() as people, sum(monetary) as monetary from user_segments
            where period = (select max(period) from user_segments) group by rfm_segment order by people desc""",
        "lifecycle stages of a country": """
            select lifecycle_stage, count() as people from user_segments
            where period = (select max(period) from user_segments) and country = 'DE' group by lifecycle_stage""",
        "users by country on the map": """
            select country, count() as people from user_segments
            where period = (select max(period) from user_segments) group by country""",
        "segment migration": """
            select from_segment, to_segment, people from segment_migration
            where segment_kind = 'rfm' and period = (select max(period) from segment_migration where not is_partial)""",
        "acquisition by channel": """
            select dimension_value, sum(new_users) as new_users, sum(sign_ups) as sign_ups from kpi_breakdown_daily
            where dimension = 'channel' and kpi_date > {as_of} - 90 group by dimension_value""",
        "plans of users": "select plan, subscription_status, count() as people from users group by 1, 2",
    },
    "revenue": {
        "revenue by month and plan": """
            select toStartOfMonth(revenue_date) as month, plan, sum(net_revenue) as net_revenue
            from revenue_daily where revenue_date > {year_ago} group by 1, 2 order by 1, 2""",
        "MRR movements by currency": "select * from mrr_movements where booking = 'month_end' order by currency, month",
        "NRR and GRR": """
            select period_start, kpi, value from kpi_summary
            where kpi in ('nrr', 'grr', 'arpu', 'churn_rate') and period_type = 'month' and dimension = 'all'
            order by 1""",
        "cumulative revenue by cohort": """
            select cohort_month, months_since, cumulative_revenue, revenue_per_customer from revenue_cohorts
            where breakdown = 'overall' order by 1, 2""",
        "customers by worth": """
            select segment, count() as customers, sum(monetary) as monetary
            from rfm group by segment order by 3 desc""",
        "orders left to come": "select count(), avg(x), avg(t_x), avg(T), avg(monetary_mean) from ltv_summary",
        "subscriptions by plan and status": """
            select plan, status, uniqExact(subscription_id) as subscriptions, sum(reporting_mrr) as mrr
            from subscriptions group by 1, 2""",
    },
    "funnels": {
        "step conversion": "select * from funnels order by funnel, step",
        "conversion over time": """
            select entry_date, step, conversion_from_start from funnel_daily
            where funnel = 'purchase_journey' and entry_date > {year_ago} order by 1, 2""",
        "conversion by channel": """
            select value, step, conversion_from_start from funnel_breakdowns
            where funnel = 'purchase_journey' and breakdown = 'channel'""",
        "time to convert": "select * from funnel_times where funnel = 'purchase_journey' order by to_step, bucket",
        "bottlenecks": "select * from bottlenecks order by lost_conversions desc",
        "drivers": "select * from funnel_drivers where funnel = 'purchase_journey' order by odds_ratio desc limit 20",
    },
    "marketing": {
        "credit by model and channel": """
            select attribution_model, channel, sum(credited_revenue) as revenue from marketing_attribution
            where conversion_kind = 'first_purchase' and conversion_date > {year_ago} group by 1, 2""",
        "spend, CAC and ROAS by month": """
            select period_start, channel, marketing_spend, cac, roas from marketing_performance
            where period_type = 'month' and attribution_model = 'last' order by 1, 2""",
        "where models disagree": "select * from attribution_disagreement order by month, channel",
    },
    "experiments": {
        "arms side by side": """
            select experiment_id, metric, arm, people, outcome_sum / people as outcome from experiment_metrics
            where breakdown = 'all' and horizon = 'window' order by 1, 2, 3""",
        "sample ratio": "select * from experiment_arms order by experiment_id, arm",
        "outcomes by day": """
            select day, arm, outcome_sum / people as outcome from experiment_daily
            where metric = 'order' order by day, arm""",
    },
    "operations": {
        "live traffic": "select * from traffic_minutely where traffic_date = {as_of} order by minute_at",
        "latency by route and day": """
            select request_date, route, p95_latency_ms, error_rate, apdex from performance_metrics
            where request_date > {as_of} - 30 order by 1, 2""",
        "latency by minute of a day": """
            select minute_at, p95_latency_ms, requests from performance_metrics_minutely
            where route = (select any(route) from performance_metrics) and minute_at >= {as_of} order by minute_at""",
        "data quality": """
            select source_table, check_name, value, is_breach from data_quality
            where quality_date = {as_of} order by is_breach desc""",
        "breaches over time": """
            select quality_date, source_table, countIf(is_breach) from data_quality
            where quality_date > {as_of} - 30 group by 1, 2 order by 1""",
        "calculators": """
            select calculator, sum(starts), sum(completions), sum(errors) from calculator_usage
            where started_date > {as_of} - 30 group by calculator""",
        "steps of a calculator": """
            select step_number, any(step_name), sum(reached_runs), sum(dropped_runs) from calculator_steps
            where calculator = 'income_tax' and started_date > {as_of} - 90 group by step_number""",
        "errors of calculators": """
            select calculator, error_code, sum(errors) from calculator_errors
            where started_date > {as_of} - 30 group by 1, 2 order by 3 desc limit 20""",
    },
}
