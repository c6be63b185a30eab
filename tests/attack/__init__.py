"""Specs written at random, and what must hold of each."""
