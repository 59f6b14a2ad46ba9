"""Units in which limits are given: settings say megabytes, machines count bytes."""

BYTES_PER_MB = 1024 * 1024
