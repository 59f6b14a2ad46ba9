"""Reading rows: a query compiled, answered from memory or from parts, and told as
clients read it.
"""
