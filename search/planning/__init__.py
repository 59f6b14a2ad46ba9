"""A request worked out for any engine: what must match, what comes first, and which
fields a document has.
"""
