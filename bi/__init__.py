"""Dashboards as reviewed files: `superset_exports/` is validated, deployed, checked and exported from here."""
