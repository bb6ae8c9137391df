"""Thin Dagster assets: each reads, calls the method or a model, writes, and reports.

`stages` turns a function into a partitioned asset, `resources` gives it stores and models,
`records` writes its rows with their provenance. The stages themselves, in the paper's order:
`probe`, `select`, `hypothesize`, `verify`.
"""
