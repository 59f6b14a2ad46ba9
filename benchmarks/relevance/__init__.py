"""A sample catalogue of a province and questions with graded answers: what a search
should find first.
"""
