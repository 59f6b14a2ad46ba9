"""The embedded index: plans answered by tantivy, in one folder or in memory."""
