"""Searches: values for the settings that a file searches, drawn, trained, pruned, recorded, and replayed."""
