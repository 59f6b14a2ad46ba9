"""Files of any kind and encoding become tables of text."""

from portal.reading.options import ReadOptions
from portal.reading.remote import read_table

__all__ = ["ReadOptions", "read_table"]
