"""Indexes to test: the embedded one always, Elasticsearch where a server is at hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from search import open_backend
from search.backend import SearchBackend
from search.text.lexicon import SHIPPED
from tests.servers.elasticsearch import elasticsearch_url

ENGINES = (
    "memory",
    "folder",
    pytest.param("elasticsearch", marks=pytest.mark.elasticsearch),
)


@pytest.fixture(params=ENGINES)
def opened(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], SearchBackend]]:
    """Opens one and the same index, again and again, as several processes would; in
    memory always the same object.
    """
    made: list[SearchBackend] = []
    alias = f"test-{uuid.uuid4().hex[:12]}"

    def again() -> SearchBackend:
        if request.param == "memory" and made:
            return made[0]
        url = elasticsearch_url() if request.param == "elasticsearch" else ""
        folder = tmp_path / "index" if request.param == "folder" else None
        made.append(
            open_backend(
                url, folder, alias=alias, lexicon=(SHIPPED, tmp_path / "names.txt")
            )
        )
        return made[-1]

    yield again
    if request.param == "elasticsearch" and made:
        _drop(elasticsearch_url(), alias)
    for index in made:
        index.close()
        index.close()


@pytest.fixture
def index(opened: Callable[[], SearchBackend]) -> SearchBackend:
    """An empty index."""
    return opened()


def _drop(url: str, alias: str) -> None:
    from elasticsearch import Elasticsearch

    with Elasticsearch(url) as client:
        names = list(client.indices.get_alias(index=f"{alias}-v*").body)
        for name in names:
            client.indices.delete(index=name)
