"""Vietnamese words: made comparable, their synonyms and former names, and their
spelling.
"""
