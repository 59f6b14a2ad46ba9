"""How to find it again: the one door to a search index, whichever engine keeps it."""

from __future__ import annotations

from pathlib import Path

from search.backend import SearchBackend
from search.embedded import EmbeddedIndex


def open_backend(
    url: str,
    folder: Path | None,
    *,
    alias: str = "portal-datasets",
    api_key: str | None = None,
    ca_certs: str | None = None,
    timeout: float = 10.0,
    retries: int = 3,
    patience: float = 30.0,
) -> SearchBackend:
    """Open an index: `url` empty, the embedded one in `folder` (None: in memory); else Elasticsearch.

    `url` is http(s)://[user:password@]host[:port], several between commas for the nodes of a cluster. `alias`,
    `api_key`, `ca_certs` (a file), `timeout` (seconds for each try) and `retries` are Elasticsearch's; `patience` is
    how many seconds an embedded write waits for another writer. Raises ValueError for a URL that is none.
    """
    urls = [part.strip() for part in url.split(",") if part.strip()]
    if not urls:
        return EmbeddedIndex(folder, patience=patience)
    # Elasticsearch's client costs 0.4 s and 75 MB: whoever keeps to the embedded index should not pay for it.
    from search.elastic import ElasticIndex  # noqa: PLC0415  # the optional engine behind its door

    return ElasticIndex(urls, alias=alias, api_key=api_key, ca_certs=ca_certs, timeout=timeout, retries=retries)
