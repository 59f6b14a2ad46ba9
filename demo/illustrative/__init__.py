"""Illustrative data of the demo: plausible, seeded, the same everywhere; no real person
and no real firm in it.
"""
