"""The notations of RDF, and bytes of strangers read as graphs: without entities,
fetches or surprises.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml.sax
import orjson
from defusedxml import DefusedXmlException
from rdflib import Graph

from schemas.dcat.addresses import mended
from schemas.dcat.terms import PREFIXES

DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Notation:
    """One way of writing a graph: the suffix of its addresses, its media type, and what
    rdflib's parser calls it.
    """

    suffix: str
    media_type: str
    family: str


NOTATIONS: tuple[Notation, ...] = (
    Notation("ttl", "text/turtle", "turtle"),
    Notation("rdf", "application/rdf+xml", "xml"),
    Notation("xml", "application/rdf+xml", "xml"),
    Notation("n3", "text/n3", "turtle"),
    Notation("jsonld", "application/ld+json", "json-ld"),
)
BY_SUFFIX = {notation.suffix: notation for notation in NOTATIONS}
BY_MEDIA_TYPE = {notation.media_type: notation for notation in reversed(NOTATIONS)} | {
    "text/xml": BY_SUFFIX["xml"]
}
CONTEXT = {prefix: str(namespace) for prefix, namespace in PREFIXES.items()}


class UnreadableGraph(ValueError):
    """Bytes that are no graph, or none that may be read; the message says why."""


def read_graph(body: bytes, notation: Notation, address: str = "") -> Graph:
    """The graph that bytes hold. Nothing is fetched and no entity is expanded. Raises
    UnreadableGraph.
    """
    # A date that is none is told by what we keep of it.
    logging.getLogger("rdflib.term").setLevel(logging.ERROR)
    graph = Graph(bind_namespaces="none")
    try:
        if notation.family == "xml":
            defusedxml.sax.parseString(
                body, ContentHandler(), forbid_entities=True, forbid_external=True
            )
            graph.parse(data=body, format="xml", publicID=address or None)
        elif notation.family == "json-ld":
            _read_json(graph, _harmless(orjson.loads(body)), address)
        else:
            graph.parse(data=body, format="turtle", publicID=address or None)
    except UnreadableGraph:
        raise
    except DefusedXmlException:
        raise UnreadableGraph(
            "it declares entities, which are refused; write the texts out instead"
        ) from None
    except RecursionError:
        raise UnreadableGraph("it is nested too deeply") from None
    except (SAXException, orjson.JSONDecodeError, UnicodeError) as error:
        raise UnreadableGraph(
            f"it is no {notation.media_type}: {str(error)[:200]}"
        ) from None
    except Exception as error:  # rdflib's parsers raise whatever they stumble over
        raise UnreadableGraph(
            f"it cannot be read as {notation.media_type}: {_first_lines(error)}"
        ) from None
    return graph


def _first_lines(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        " ".join(lines[:2]).replace(" of <>", "")[:200]
        if lines
        else type(error).__name__
    )


def _read_json(graph: Graph, document: Any, address: str) -> None:
    try:
        graph.parse(
            data=orjson.dumps(document), format="json-ld", publicID=address or None
        )
    # an address that cannot be joined to another stops rdflib; they are mended, and it
    # is tried again
    except ValueError:
        graph.parse(
            data=orjson.dumps(_mended(document)),
            format="json-ld",
            publicID=address or None,
        )


def _harmless(value: Any, depth: int = 0) -> Any:
    """The document itself, once it is known that all of its contexts stand in it.
    Raises UnreadableGraph.
    """
    if depth > DEEPEST:
        raise UnreadableGraph(f"it is nested more than {DEEPEST} levels deep")
    if isinstance(value, dict):
        for key in ("@context", "@import"):
            _refuse_remote(value.get(key))
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            _harmless(inner, depth + 1)
    return value


def _mended(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mended(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return (
        mended(value) if isinstance(value, str) and value.startswith("http") else value
    )


def _refuse_remote(context: Any) -> None:
    for each in context if isinstance(context, list) else [context]:
        if isinstance(each, str):
            raise UnreadableGraph(
                f"its context stands elsewhere ({each[:100]}); only contexts in the "
                "document are read"
            )
