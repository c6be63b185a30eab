"""Requests that ask and change nothing: each is read from the analysis of the present text."""
