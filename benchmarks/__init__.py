"""Benchmarks: what the pipeline costs, each figure beside its goal. See README.md."""
