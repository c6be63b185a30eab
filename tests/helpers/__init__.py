"""What several tests need: small specs, graphs, data sets, models and runs, and how answers are compared."""
