"""A synthetic GlobalTaxCalc with a known truth."""
