"""Our own checks beyond Frictionless: a module for each family, and the list of them
all.
"""
