"""The index on a server: plans answered by Elasticsearch, a node or a cluster."""
