"""Rows: immutable versions on disk, queries over them, exports from them."""
