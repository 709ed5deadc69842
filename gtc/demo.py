"""`make demo`: services, both data sets, marts, and the figures to look at. Every step is safe to repeat."""
