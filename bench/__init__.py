"""Benchmarks: ratios measured in one run against a named baseline. ``python -m bench`` runs them all."""
