"""Pen: writes texts, links, times and exact values into one graph, and leaves out what
cannot be said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, RDF, RDFS, XSD
from rdflib.term import Node

from schemas.dcat.addresses import iri
from schemas.dcat.terms import SCHEMA, Site, exact_id, is_moment
from schemas.package_dict import PackageDict
from schemas.vocabularies import LICENCE_BY_ID

Json = Mapping[str, Any]


def new_graph() -> Graph:
    """An empty graph; prefixes are the business of whoever writes it out."""
    return Graph(bind_namespaces="none")


class Pen:
    """Writes into one graph; nameless nodes are counted, so that equal datasets give
    equal graphs.
    """

    def __init__(self, site: Site, owner: str = "") -> None:
        self.graph, self.site = new_graph(), site
        self._stem = f"b{hashlib.blake2b(owner.encode(), digest_size=6).hexdigest()}n"
        self._count = 0

    def blank(self, owner: Node, predicate: URIRef, kind: URIRef) -> BNode:
        """A new nameless node of a kind, below its owner."""
        self._count += 1
        node = BNode(f"{self._stem}{self._count}")
        self.graph.add((owner, predicate, node))
        self.graph.add((node, RDF.type, kind))
        return node

    def text(
        self, node: Node, predicate: URIRef, text: Any, language: str | None = None
    ) -> None:
        """A text where there is one."""
        if text not in (None, ""):
            self.graph.add((node, predicate, Literal(str(text), lang=language)))

    def link(self, node: Node, predicate: URIRef, address: str | URIRef | None) -> None:
        """A link where there is one that can be written."""
        target = address if isinstance(address, URIRef) else iri(address, self.site.url)
        if target is not None:
            self.graph.add((node, predicate, target))

    def moment(self, node: Node, predicate: URIRef, text: Any) -> None:
        """A year, month, day or time under the datatype that it has; anything else is
        left out.
        """
        value = str(text or "").strip()
        if not is_moment(value):
            return
        kinds = {4: XSD.gYear, 7: XSD.gYearMonth, 10: XSD.date}
        kind = kinds.get(len(value), XSD.dateTime)
        zoned = (
            value
            if kind != XSD.dateTime or value[-1] == "Z" or "+" in value[10:]
            else f"{value}Z"
        )
        self.graph.add(
            (node, predicate, Literal(zoned, datatype=kind, normalize=False))
        )

    def exactly(self, node: Node, field: str, value: Any, name: str = "") -> None:
        """State a value that no term of DCAT carries whole, as schema.org's
        PropertyValue.
        """
        held = self.blank(node, SCHEMA.additionalProperty, SCHEMA.PropertyValue)
        self.graph.add((held, SCHEMA.propertyID, Literal(exact_id(field))))
        if field == "extras":
            self.graph.add((held, SCHEMA.name, Literal(name)))
        if not isinstance(value, str) and value is not None:
            self.graph.add((held, SCHEMA.encodingFormat, Literal("application/json")))
            value = orjson.dumps(value).decode()
        self.graph.add((held, SCHEMA.value, Literal(value or "")))

    def licence(self, node: URIRef, package: PackageDict) -> None:
        """The licence as a document, by its address where it has one."""
        license_id = package.get("license_id")
        if not license_id:
            return
        address = iri(package.get("license_url"), self.site.url)
        if address is None:
            document: Node = self.blank(node, DCTERMS.license, DCTERMS.LicenseDocument)
        else:
            document = address
            self.graph.add((node, DCTERMS.license, document))
            self.graph.add((document, RDF.type, DCTERMS.LicenseDocument))
        self.text(document, DCTERMS.identifier, license_id)
        known = LICENCE_BY_ID.get(license_id)
        if known is not None:
            self.text(document, RDFS.label, known.title, "en")
            self.text(document, RDFS.label, known.title_vi, "vi")
