"""DCAT both ways: a package dict becomes a graph, a graph becomes records; RDF in four
notations, and DCAT-US.
"""
