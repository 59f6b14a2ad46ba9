"""Health: whether what was acknowledged gets done, and what an operator has to mend
where it does not.
"""
