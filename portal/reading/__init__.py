"""Files of any kind and encoding become tables of text."""

from portal.reading.opening import read_table
from portal.reading.options import ReadOptions

__all__ = ["ReadOptions", "read_table"]
