"""Benchmarks: each prints its figures as ratios to a raw limit measured in the same run."""
