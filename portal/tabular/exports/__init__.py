"""Rows as files and streams, in every format that is given out."""
