"""GlobalTaxCalc Analytics: settings and the `gtc` command."""
