"""Mutation testing: small changes to the sources of which each must make some test fail. `make mutants` runs it."""
