"""Shapes of data on the way in and out, and the Table Schemas of every sector."""
