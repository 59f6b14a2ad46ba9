"""Frictionless' verdicts on a schema and on every cell, found a whole column at a
time.
"""
