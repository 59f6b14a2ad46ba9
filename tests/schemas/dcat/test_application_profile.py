"""DCAT-AP 3: every graph that goes out has what the application profile demands, as
often and in the form it says.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF, SKOS, XSD
from rdflib.term import Node

from schemas.dcat.pen import Pen
from schemas.dcat.terms import AUTHORITY, DCAT, DCATAP, SPDX, VCARD
from schemas.dcat.write import add_catalog, add_dataset
from tests.schemas.dcat.test_roundtrip import QUICK, SITE, Json, packages

GUARDS = (
    "schemas.dcat.pen",
    "schemas.dcat.terms",
    "schemas.dcat.write",
)
MANY = 10**9
TIMES = (XSD.gYear, XSD.gYearMonth, XSD.date, XSD.dateTime)
IRI, NODE, TEXT, MOMENT, COUNT, DIGEST = (
    "IRI",
    "node",
    "text",
    "moment",
    "count",
    "digest",
)


class Rule(NamedTuple):
    """How often a property of a class stands there, and what it holds: a form, or nodes
    of a class.
    """

    kind: URIRef
    property: URIRef
    least: int
    most: int
    holds: str | URIRef


RULES = tuple(Rule(*each) for each in (
    (DCAT.Catalog, DCTERMS.title, 1, MANY, TEXT), (DCAT.Catalog, DCTERMS.description, 1, MANY, TEXT),
    (DCAT.Catalog, DCTERMS.publisher, 1, 1, FOAF.Agent), (DCAT.Catalog, DCAT.dataset, 1, MANY, DCAT.Dataset),
    (DCAT.Catalog, FOAF.homepage, 0, 1, IRI), (DCAT.Catalog, DCTERMS.language, 0, MANY, IRI),
    (DCAT.Catalog, DCAT.themeTaxonomy, 0, MANY, NODE), (DCAT.Catalog, DCAT.service, 0, MANY, DCAT.DataService),
    (DCAT.Dataset, DCTERMS.title, 1, MANY, TEXT), (DCAT.Dataset, DCTERMS.description, 1, MANY, TEXT),
    (DCAT.Dataset, DCTERMS.publisher, 0, 1, FOAF.Agent), (DCAT.Dataset, DCTERMS.creator, 0, MANY, FOAF.Agent),
    (DCAT.Dataset, DCAT.contactPoint, 0, MANY, VCARD.Kind), (DCAT.Dataset, DCAT.keyword, 0, MANY, TEXT),
    (DCAT.Dataset, DCAT.distribution, 0, MANY, DCAT.Distribution), (DCAT.Dataset, DCAT.theme, 0, MANY, NODE),
    (DCAT.Dataset, DCTERMS.issued, 0, 1, MOMENT), (DCAT.Dataset, DCTERMS.modified, 0, 1, MOMENT),
    (DCAT.Dataset, DCTERMS.language, 0, MANY, IRI), (DCAT.Dataset, DCTERMS.accrualPeriodicity, 0, 1, IRI),
    (DCAT.Dataset, DCTERMS.accessRights, 0, 1, IRI), (DCAT.Dataset, DCTERMS.spatial, 0, MANY, DCTERMS.Location),
    (DCAT.Dataset, DCTERMS.temporal, 0, MANY, DCTERMS.PeriodOfTime), (DCAT.Dataset, DCAT.landingPage, 0, MANY, IRI),
    (DCAT.Dataset, DCTERMS.provenance, 0, MANY, DCTERMS.ProvenanceStatement), (DCAT.Dataset, DCAT.version, 0, 1, TEXT),
    (DCAT.Dataset, DCTERMS.identifier, 0, MANY, TEXT), (DCAT.Dataset, DCATAP.applicableLegislation, 0, MANY, NODE),
    (DCAT.Dataset, PROV.qualifiedAttribution, 0, MANY, PROV.Attribution),
    (DCAT.Distribution, DCAT.accessURL, 1, MANY, IRI), (DCAT.Distribution, DCAT.downloadURL, 0, MANY, IRI),
    (DCAT.Distribution, DCTERMS["format"], 0, 1, NODE), (DCAT.Distribution, DCAT.mediaType, 0, 1, IRI),
    (DCAT.Distribution, DCAT.byteSize, 0, 1, COUNT), (DCAT.Distribution, DCTERMS.title, 0, MANY, TEXT),
    (DCAT.Distribution, DCTERMS.license, 0, 1, DCTERMS.LicenseDocument),
    (DCAT.Distribution, DCTERMS.description, 0, MANY, TEXT), (DCAT.Distribution, SPDX.checksum, 0, 1, SPDX.Checksum),
    (DCAT.Distribution, DCTERMS.issued, 0, 1, MOMENT), (DCAT.Distribution, DCTERMS.modified, 0, 1, MOMENT),
    (DCAT.Distribution, DCTERMS.conformsTo, 0, MANY, DCTERMS.Standard),
    (DCAT.Distribution, DCAT.accessService, 0, MANY, DCAT.DataService),
    (DCAT.DataService, DCTERMS.title, 1, MANY, TEXT), (DCAT.DataService, DCAT.endpointURL, 1, MANY, IRI),
    (DCAT.DataService, DCAT.servesDataset, 0, MANY, DCAT.Dataset),
    (DCAT.DataService, DCAT.endpointDescription, 0, MANY, IRI),
    (FOAF.Agent, FOAF.name, 1, MANY, TEXT), (VCARD.Kind, VCARD.fn, 1, MANY, TEXT),
    (VCARD.Kind, VCARD.hasEmail, 0, MANY, IRI), (SKOS.ConceptScheme, DCTERMS.title, 1, MANY, TEXT),
    (SKOS.Concept, SKOS.prefLabel, 1, MANY, TEXT),
    (DCTERMS.PeriodOfTime, DCAT.startDate, 0, 1, MOMENT), (DCTERMS.PeriodOfTime, DCAT.endDate, 0, 1, MOMENT),
    (SPDX.Checksum, SPDX.algorithm, 1, 1, IRI), (SPDX.Checksum, SPDX.checksumValue, 1, 1, DIGEST),
    (PROV.Attribution, PROV.agent, 1, MANY, FOAF.Agent), (PROV.Attribution, DCAT.hadRole, 1, MANY, IRI),
))  # fmt: skip
TABLES = (
    (DCTERMS.language, "language"), (DCTERMS.accrualPeriodicity, "frequency"), (DCTERMS.accessRights, "access-right"),
)  # fmt: skip
"""Properties whose values the profile takes from one of the EU's authority tables."""


def breaches(graph: Graph) -> Iterator[tuple[Any, ...]]:
    """Every place where a graph does not keep a rule."""
    for rule in RULES:
        for node in graph.subjects(RDF.type, rule.kind):
            values = list(graph.objects(node, rule.property))
            if not rule.least <= len(values) <= rule.most:
                yield node, rule, len(values)
            yield from (
                (node, rule, value)
                for value in values
                if not holds(graph, value, rule.holds)
            )
    for predicate, table in TABLES:
        for node, value in graph.subject_objects(predicate):
            if not str(value).startswith(f"{AUTHORITY}{table}/"):
                yield node, predicate, value
    for node, value in graph.subject_objects(DCTERMS["format"]):
        if isinstance(value, URIRef) and not value.startswith(f"{AUTHORITY}file-type/"):
            yield node, "format", value


def holds(graph: Graph, value: Node, form: str | URIRef) -> bool:
    """Whether a value has the form, or is a node of the class, that a rule says."""
    if isinstance(form, URIRef):
        return (value, RDF.type, form) in graph
    literal = isinstance(value, Literal)
    kind = value.datatype if isinstance(value, Literal) else None
    return {
        IRI: isinstance(value, URIRef),
        NODE: not literal,
        TEXT: literal and (kind is None or kind == XSD.string),
        MOMENT: kind in TIMES,
        COUNT: kind == XSD.nonNegativeInteger,
        DIGEST: kind == XSD.hexBinary,
    }[form]


def graph_of(listed: list[Json]) -> Graph:
    pen = Pen(SITE)
    add_catalog(pen, listed)
    for package in listed:
        add_dataset(pen, package)
    return pen.graph


@settings(max_examples=60, deadline=None, phases=QUICK)
@given(package=packages())
def test_every_graph_keeps_the_profile(package: Json) -> None:
    titled = {**package, "title": package["title"].strip() or package["name"]}
    assert list(breaches(graph_of([titled]))) == []


@pytest.mark.parametrize(
    ("what", "found"),
    [("title", DCTERMS.title), ("url", DCAT.accessURL)],
)
def test_the_rules_find_what_is_missing(what: str, found: URIRef) -> None:
    """The checks are no empty words: a graph that lost a mandatory value breaks the
    rule for it.
    """
    graph = graph_of([{
        "id": "7ac7e5b0-0000-4000-8000-000000000001", "name": "xx", "title": "Bộ", "notes": "Ghi chú",
        "metadata_created": "2026-01-02", "metadata_modified": "2026-01-02", "license_id": "cc-by",
        "license_url": "https://creativecommons.org/licenses/by/4.0/", "extras": [], "tags": [], "groups": [],
        "resources": [{"id": "7ac7e5b0-0000-4000-8000-000000000002", "url": "http://a.vn/x", "format": "CSV"}],
    }])  # fmt: skip
    assert list(breaches(graph)) == []
    lost = list(graph.triples((None, found, None)))
    assert lost
    graph.remove((None, found, None))
    assert {
        each[1].property for each in breaches(graph) if isinstance(each[1], Rule)
    } >= {found}
