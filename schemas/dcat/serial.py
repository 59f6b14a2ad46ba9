"""Graphs of ours as Turtle, RDF/XML and JSON-LD: flat and quick, because every blank
node has one owner.

rdflib's serialisers sort, count and nest for graphs of any shape; ours have one shape,
and are 1.5 to 5 times as fast. What is written here is read back by rdflib's parsers in
the tests of the round trip.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF
from rdflib.term import BNode, Node

from schemas.dcat.terms import PREFIXES

_PREFIX_OF = {str(namespace): prefix for prefix, namespace in PREFIXES.items()}
_LOCAL = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_TURTLE_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)
Said = dict[Node, dict[Node, list[Node]]]


def turtle(graph: Graph) -> bytes:
    """The graph as Turtle statements, without prefixes."""
    said = _said(graph)
    return "".join(
        f"<{node}>{_turtle_says(said, node, 1)} .\n\n" for node in _named(said)
    ).encode()


def rdf_xml(graph: Graph) -> bytes:
    """The graph as elements of RDF/XML, without the root."""
    said = _said(graph)
    return "".join(_element(said, node, 1) for node in _named(said)).encode()


def json_ld(graph: Graph) -> bytes:
    """The graph as objects of JSON-LD, with commas between them, for the context of our
    prefixes.
    """
    said = _said(graph)
    return b",\n".join(orjson.dumps(_object(said, node)) for node in _named(said))


WRITERS: dict[str, Callable[[Graph], bytes]] = {
    "turtle": turtle,
    "xml": rdf_xml,
    "json-ld": json_ld,
}


def _said(graph: Graph) -> Said:
    """What is said of each node, always in the same order."""
    said: Said = {}
    for subject, predicate, value in sorted(graph, key=_order):
        said.setdefault(subject, {}).setdefault(predicate, []).append(value)
    return said


def _order(triple: tuple[Node, Node, Node]) -> tuple[str, ...]:
    subject, predicate, value = triple
    return str(subject), str(predicate), _number(value), str(value)


def _number(node: Node) -> str:
    """Nameless nodes carry the number of their making at the end: 2 comes before 10."""
    return f"{str(node).rpartition('n')[2]:>8}" if isinstance(node, BNode) else ""


def _named(said: Said) -> Iterator[Node]:
    return (node for node in said if not isinstance(node, BNode))


def _short(address: str) -> str:
    """prefix:name where one of our prefixes fits, else nothing."""
    cut = max(address.rfind("#"), address.rfind("/")) + 1
    prefix, local = _PREFIX_OF.get(address[:cut]), address[cut:]
    return f"{prefix}:{local}" if prefix and _LOCAL.match(local) else ""


def _turtle_says(said: Said, node: Node, depth: int) -> str:
    indent = "\n" + "  " * depth
    says = said.get(node, {})
    types = says.get(RDF.type, ())
    parts = (
        [f"a {', '.join(_turtle_term(said, each, depth) for each in types)}"]
        if types
        else []
    )
    for predicate, values in says.items():
        if predicate != RDF.type:
            told = ", ".join(_turtle_term(said, value, depth) for value in values)
            parts.append(f"{_short(str(predicate)) or f'<{predicate}>'} {told}")
    return indent + f" ;{indent}".join(parts)


def _turtle_term(said: Said, node: Node, depth: int) -> str:
    if isinstance(node, BNode):
        return f"[{_turtle_says(said, node, depth + 1)} ]"
    if isinstance(node, Literal):
        text = f'"{str(node).translate(_TURTLE_ESCAPES)}"'
        if node.language:
            return f"{text}@{node.language}"
        return (
            f"{text}^^{_short(str(node.datatype)) or f'<{node.datatype}>'}"
            if node.datatype
            else text
        )
    return _short(str(node)) or f"<{node}>"


def _element(said: Said, node: Node, depth: int) -> str:
    says, indent = said.get(node, {}), "  " * depth
    types = [short for each in says.get(RDF.type, ()) if (short := _short(str(each)))]
    name = types[0] if types else "rdf:Description"
    about = "" if isinstance(node, BNode) else f" rdf:about={quoteattr(str(node))}"
    lines = [f"{indent}<{name}{about}>\n"]
    for predicate, values in says.items():
        for value in values:
            if predicate != RDF.type or _short(str(value)) != name:
                lines.append(_property(said, _short(str(predicate)), value, depth + 1))
    return "".join([*lines, f"{indent}</{name}>\n"])


def _property(said: Said, name: str, value: Node, depth: int) -> str:
    indent = "  " * depth
    if isinstance(value, BNode):
        return (
            f"{indent}<{name}>\n{_element(said, value, depth + 1)}{indent}</{name}>\n"
        )
    if isinstance(value, URIRef):
        return f"{indent}<{name} rdf:resource={quoteattr(str(value))}/>\n"
    literal = value if isinstance(value, Literal) else Literal(str(value))
    tag = f" xml:lang={quoteattr(literal.language)}" if literal.language else ""
    tag = (
        f" rdf:datatype={quoteattr(str(literal.datatype))}" if literal.datatype else tag
    )
    return f"{indent}<{name}{tag}>{escape(str(literal))}</{name}>\n"


def _object(said: Said, node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {} if isinstance(node, BNode) else {"@id": str(node)}
    for predicate, values in said.get(node, {}).items():
        if predicate == RDF.type:
            found["@type"] = _one(
                [_short(str(value)) or str(value) for value in values]
            )
        else:
            key = _short(str(predicate)) or str(predicate)
            found[key] = _one([_value(said, value) for value in values])
    return found


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _value(said: Said, node: Node) -> Any:
    if isinstance(node, Literal):
        if node.language:
            return {"@value": str(node), "@language": node.language}
        kind = node.datatype
        return (
            {"@value": str(node), "@type": _short(str(kind)) or str(kind)}
            if kind
            else str(node)
        )
    return _object(said, node) if isinstance(node, BNode) else {"@id": str(node)}
