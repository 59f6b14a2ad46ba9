"""SQL of strangers: what it may say, and the limited processes that run it."""
