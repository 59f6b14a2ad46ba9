"""From a resource to a dcat:Distribution, its checksum, its Table Schema and the
service that answers its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rdflib import Literal, URIRef
from rdflib.namespace import DCTERMS, RDF, RDFS, XSD
from rdflib.term import Node

from schemas.dcat.addresses import iri
from schemas.dcat.pen import Pen
from schemas.dcat.terms import (
    CHECKSUMS,
    DCAT,
    FILE_TYPES,
    IANA,
    SCHEMA,
    SPDX,
    Site,
    authority,
    is_digest,
    tongue,
)
from schemas.package_dict import PackageDict, ResourceDict
from schemas.packages import resource_of
from schemas.record import ResourceRecord
from schemas.tabletypes import public_schema
from schemas.vocabularies import MEDIA_TYPES

Json = Mapping[str, Any]
TABLE_SCHEMA = "https://specs.frictionlessdata.io/table-schema/"
HOSTED = ("upload", "harvest", "datastore")
ELSEWHERE = ("extras", "content", "schema_name")


def add(
    pen: Pen,
    dataset: URIRef,
    resource: ResourceDict,
    package: PackageDict,
    position: int | None,
) -> URIRef:
    """Add a resource of a dataset; returns its node."""
    record = resource_of(resource)
    node = URIRef(f"{dataset}/resource/{record.id}")
    graph = pen.graph
    graph.add((dataset, DCAT.distribution, node))
    graph.add((node, RDF.type, DCAT.Distribution))
    pen.text(node, DCTERMS.identifier, record.id)
    pen.text(node, DCTERMS.title, record.name, tongue(record.name))
    pen.text(node, DCTERMS.description, record.description, tongue(record.description))
    pen.moment(node, DCTERMS.issued, resource.get("created"))
    pen.moment(
        node,
        DCTERMS.modified,
        resource.get("last_modified") or resource.get("metadata_modified"),
    )
    if position is not None:
        graph.add((node, SCHEMA.position, Literal(position)))
    _addresses(pen, node, record, resource)
    _form(pen, node, record, resource)
    _schema(pen, node, record)
    pen.licence(node, package)
    if resource.get("datastore_active"):
        _service(pen, node, dataset, record)
    for key, value in sorted(record.extras.items()):
        pen.exactly(node, "extras", value, key)
    return node


def _addresses(
    pen: Pen, node: URIRef, record: ResourceRecord, resource: ResourceDict
) -> None:
    """DCAT-AP wants an accessURL always; a downloadURL only where the bytes themselves
    lie there.
    """
    link = iri(record.url, pen.site.url)
    page = link if link is not None and resource.get("url_type") not in HOSTED else node
    pen.link(node, DCAT.accessURL, page)
    if link is not None and (
        resource.get("url_type") in HOSTED or record.format in FILE_TYPES
    ):
        pen.link(node, DCAT.downloadURL, link)


def _form(
    pen: Pen, node: URIRef, record: ResourceRecord, resource: ResourceDict
) -> None:
    graph = pen.graph
    if record.format in FILE_TYPES:
        pen.link(
            node, DCTERMS["format"], authority("file-type", FILE_TYPES[record.format])
        )
    elif record.format:
        pen.text(
            pen.blank(node, DCTERMS["format"], DCTERMS.MediaTypeOrExtent),
            RDFS.label,
            record.format,
        )
    media_type = record.mimetype or MEDIA_TYPES.get(record.format)
    pen.link(node, DCAT.mediaType, f"{IANA}{media_type}" if media_type else None)
    if record.size is not None and record.size >= 0:
        graph.add(
            (
                node,
                DCAT.byteSize,
                Literal(str(record.size), datatype=XSD.nonNegativeInteger),
            )
        )
    rendered = resource.get("datastore_active") and resource.get("url_type") != "upload"
    # A table's hash is that of its rows, not of any file.
    if is_digest(record.hash) and not rendered:
        checksum = pen.blank(node, SPDX.checksum, SPDX.Checksum)
        pen.link(
            checksum,
            SPDX.algorithm,
            SPDX[f"checksumAlgorithm_{CHECKSUMS[len(record.hash)]}"],
        )
        graph.add(
            (checksum, SPDX.checksumValue, Literal(record.hash, datatype=XSD.hexBinary))
        )


def _schema(pen: Pen, node: URIRef, record: ResourceRecord) -> None:
    """The Table Schema as a standard that the distribution conforms to, where it can be
    fetched.
    """
    if not record.schema and not record.schema_name:
        return
    standard: Node = URIRef(f"{node}/schema.json")
    pen.graph.add((node, DCTERMS.conformsTo, standard))
    pen.graph.add((standard, RDF.type, DCTERMS.Standard))
    pen.link(standard, DCTERMS.conformsTo, TABLE_SCHEMA)
    pen.text(standard, DCTERMS.identifier, record.schema_name)
    described = public_schema(record.schema or record.schema_name) or {}
    title = str(described.get("title") or record.schema_name or "Table Schema")
    pen.text(standard, RDFS.label, title, tongue(title))
    pen.text(standard, RDFS.label, described.get("title_en"), "en")


def service_address(site: Site, resource_id: str | None) -> URIRef:
    """The service that answers the rows of a table."""
    return URIRef(f"{site.url}/api/3/action/datastore_search?resource_id={resource_id}")


def _service(pen: Pen, node: URIRef, dataset: URIRef, record: ResourceRecord) -> None:
    service = service_address(pen.site, record.id)
    pen.graph.add((node, DCAT.accessService, service))
    pen.graph.add((service, RDF.type, DCAT.DataService))
    pen.text(
        service,
        DCTERMS.title,
        f"datastore_search: {record.name or record.id}",
        tongue(record.name),
    )
    pen.link(service, DCAT.endpointURL, f"{pen.site.url}/api/3/action/datastore_search")
    pen.link(
        service,
        DCAT.endpointDescription,
        f"{pen.site.url}/api/3/action/help_show?name=datastore_search",
    )
    pen.graph.add((service, DCAT.servesDataset, dataset))


def what_is_missing(
    pen: Pen, dataset: URIRef, wanted: ResourceRecord, found: ResourceRecord
) -> None:
    """State exactly what the terms above did not carry whole."""
    node = URIRef(f"{dataset}/resource/{wanted.id}")
    for each in fields(ResourceRecord):
        value = getattr(wanted, each.name)
        if each.name not in ELSEWHERE and value != getattr(found, each.name):
            pen.exactly(node, each.name, value)
    if wanted.schema_name != found.schema_name:
        pen.exactly(node, "schema_name", wanted.schema_name)
