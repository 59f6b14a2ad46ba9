"""Clients of CKAN as they are, and recorded calls of those that cannot be installed,
against a fresh portal.
"""
