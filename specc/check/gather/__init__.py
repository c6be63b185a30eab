"""A spec put together from its files, and changed by variants and `--set`."""
