"""View: one node of a graph, read in a fixed order whatever order the graph keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDFS, SKOS
from rdflib.term import BNode, Node

from schemas.dcat.terms import EXACT, SCHEMA
from schemas.packages import clean

LABELS = (
    SKOS.prefLabel,
    RDFS.label,
    DCTERMS.title,
    FOAF.name,
    SCHEMA.name,
    SKOS.notation,
    DCTERMS.identifier,
)


@dataclass(frozen=True, slots=True)
class View:
    """A node and the graph that it stands in."""

    graph: Graph
    node: Node

    def nodes(self, *predicates: URIRef) -> list[Node]:
        """What the first predicate with any value points to, sorted."""
        for predicate in predicates:
            found = list(self.graph.objects(self.node, predicate))
            if found:
                return sorted(found, key=_order) if len(found) > 1 else found
        return []

    def views(self, *predicates: URIRef) -> list[View]:
        """As `nodes`, each to be looked at itself."""
        return [View(self.graph, node) for node in self.nodes(*predicates)]

    def first(self, *predicates: URIRef) -> str:
        """The first text or address, empty without any; a nameless node is no text."""
        return next(
            (text for node in self.nodes(*predicates) if (text := plain(node))), ""
        )

    def by_language(self, predicate: URIRef) -> dict[str, str]:
        """The texts by language ("" for none); of several in one language the first."""
        found: dict[str, str] = {}
        for node in self.nodes(predicate):
            if isinstance(node, Literal) and (text := plain(node)):
                found.setdefault(str(node.language or ""), text)
        return found

    def text(self, *predicates: URIRef, language: str = "") -> str:
        """The text in the preferred language: the one given, Vietnamese, English, none,
        any other.
        """
        for predicate in predicates:
            if found := self.by_language(predicate):
                return found[preferred(list(found), language)]
            if address := self.first(predicate):
                return address
        return ""

    @property
    def label(self) -> str:
        """What a node is called: its own text or address, or a label of it."""
        if not isinstance(self.node, BNode):
            own = plain(self.node)
            return self.text(*LABELS) or own if isinstance(self.node, URIRef) else own
        return self.text(*LABELS)

    @property
    def address(self) -> str:
        """The address of the node; empty for texts and nameless nodes."""
        return str(self.node) if isinstance(self.node, URIRef) else ""

    def stated(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values that the portal states exactly: of fields, and of extras."""
        fields: dict[str, Any] = {}
        extras: dict[str, Any] = {}
        for held in self.views(SCHEMA.additionalProperty):
            identifier = held.first(SCHEMA.propertyID)
            if not identifier.startswith(EXACT):
                continue
            texts = held.nodes(SCHEMA.value)
            value: Any = str(texts[0]) if texts else ""
            if held.first(SCHEMA.encodingFormat) == "application/json":
                value = _json(value)
            field = identifier.removeprefix(EXACT)
            if field == "extras":
                names = held.nodes(SCHEMA.name)
                extras[str(names[0]) if names else ""] = value
            else:
                fields[field] = value
        return fields, extras


def preferred(languages: Sequence[str], given: str = "") -> str:
    """The language to show first among those that there are."""
    order = (given, "vi", "en", "")
    return next((tag for tag in order if tag in languages), min(languages))


def plain(node: Node) -> str:
    """A text or an address as a text without control characters; nothing for a nameless
    node.
    """
    return "" if isinstance(node, BNode) else str(clean(str(node))).strip()


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _order(node: Node) -> tuple[str, str]:
    return str(node), str(getattr(node, "language", "") or "")
