"""Files of any kind and encoding become tables of text."""
