"""The use cases, declared: one module for each noun of the Action API."""
