"""One table checked: every cell, our own checks beside them, and the schema that it
could have.
"""
