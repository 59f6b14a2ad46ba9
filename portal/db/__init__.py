"""The questions asked of the database, and the unit of work."""
