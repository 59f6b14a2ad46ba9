"""Whether data is good: metadata checks, table validation, personal-data scan."""
