"""A dataset judged: its metadata, openness, freshness and points."""
