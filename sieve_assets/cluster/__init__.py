"""A cluster on one machine: servers and workers as processes, for the demo and the tests.

Not here: what a real cluster is set up with (deploy/, docs/scaling.md).
"""
