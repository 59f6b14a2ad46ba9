"""How to find it again: the one door to a search index, whichever engine keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schemas.cache import MemoryCache
from search.backend import SearchBackend
from search.fallback import FallbackIndex
from search.planning.relaxing import RelaxingIndex
from search.tantivy_index.index import EmbeddedIndex
from search.text.lexicon import SHIPPED, LexiconFiles


def open_backend(
    url: str,
    folder: Path | None,
    *,
    alias: str = "portal-datasets",
    user: str = "",
    password: str = "",
    api_key: str | None = None,
    ca_certs: str | None = None,
    timeout: float = 10.0,
    retries: int = 3,
    pause: float = 5.0,
    sniff: bool = False,
    shards: int = 1,
    replicas: int | None = None,
    patience: float = 30.0,
    fallback: bool = False,
    lexicon: Sequence[Path] = (SHIPPED,),
    cache: MemoryCache | None = None,
) -> SearchBackend:
    """Open an index: `url` empty, the embedded one in `folder` (None: in memory); else
    Elasticsearch.

    `url` is http(s)://[user:password@]host[:port], several between commas for the nodes
    of a cluster. `patience` is how many seconds an embedded write waits for another
    writer; what else there is belongs to Elasticsearch (search.elastic_index). With
    `fallback` the embedded index is kept beside Elasticsearch and answers while that is
    down. `lexicon` are files of synonyms, read again when they change; `cache`
    is the memory for answers. Raises ValueError for what Elasticsearch's client cannot
    use.
    """
    urls = [part.strip() for part in url.split(",") if part.strip()]
    words = LexiconFiles(lexicon)
    if not urls:
        embedded = EmbeddedIndex(folder, patience=patience, cache=cache)
        return RelaxingIndex(embedded, words)
    # Elasticsearch's client costs 0.4 s and 75 MB: whoever keeps to the embedded index
    # should not pay for it.
    from search.elastic_index.client import Server  # noqa: PLC0415  # as above
    from search.elastic_index.index import ElasticIndex  # noqa: PLC0415  # the optional engine behind its door

    server = Server(
        urls,
        user=user,
        password=password,
        api_key=api_key,
        ca_certs=ca_certs,
        timeout=timeout,
        retries=retries,
        pause=pause,
        sniff=sniff,
    )
    index = ElasticIndex(
        server, alias=alias, shards=shards, replicas=replicas, cache=cache
    )
    if fallback:
        embedded = EmbeddedIndex(folder, patience=patience, cache=cache)
        # Around both: a relaxed answer is found the same way whichever of them gives
        # it.
        return RelaxingIndex(FallbackIndex(index, embedded), words)
    return RelaxingIndex(index, words)
