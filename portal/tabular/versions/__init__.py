"""Writing rows: texts and records become typed columns, and parts a new version of a
table.
"""
