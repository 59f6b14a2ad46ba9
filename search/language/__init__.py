"""The language of a query, as CKAN speaks it: q and fq become a tree, dates become
points in time.
"""
