"""HTTP: the only importers of Flask besides the composition root."""
