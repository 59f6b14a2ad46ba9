"""From a package dict to a DCAT-AP 3 graph that the reader turns back into exactly the
same record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from rdflib import Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS
from rdflib.term import Node

from schemas.dcat import distribution
from schemas.dcat.addresses import iri
from schemas.dcat.pen import Pen
from schemas.dcat.read import read_dataset
from schemas.dcat.terms import (
    ACCESS_RIGHTS,
    CUSTODIAN,
    DCAT,
    DCATAP,
    ELI,
    FREQUENCIES,
    GEOJSON,
    LANGUAGES,
    LOCN,
    RELATIONS,
    THEMES,
    VCARD,
    authority,
    is_moment,
    tongue,
)
from schemas.package_dict import OrganizationDict, PackageDict
from schemas.packages import clean, record_of
from schemas.record import DatasetRecord
from schemas.vocabularies import PROFILE_FIELDS

Json = Mapping[str, Any]
_TAG = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_YEARS = re.compile(r"^(\d{4})\s*-\s*(\d{4})$")
_QUARTER = re.compile(r"^(\d{4})-?[Qq]([1-4])$")
ELSEWHERE = ("name", "resources", "extras", "profile")
"""Fields of a record that are compared in a way of their own."""


def add_dataset(pen: Pen, package: PackageDict) -> URIRef:
    """Add a dataset; returns its node."""
    package = clean(package)
    wanted = record_of(package)
    node = URIRef(f"{pen.site.url}/dataset/{package['id']}")
    pen.graph.add((node, RDF.type, DCAT.Dataset))
    pen.exactly(node, "name", wanted.name)
    _describe(pen, node, package, wanted)
    _around(pen, node, package, wanted)
    _people(pen, node, wanted)
    if organization := package.get("organization"):
        _publisher(pen, node, organization)
    for key, value in sorted(wanted.extras.items()):
        pen.exactly(node, "extras", value, key)
    for position, resource in enumerate(package.get("resources") or ()):
        placed = position if len(wanted.resources) > 1 else None
        distribution.add(pen, node, resource, package, placed)
    _what_is_missing(pen, node, wanted)
    return node


def _describe(
    pen: Pen, node: URIRef, package: PackageDict, wanted: DatasetRecord
) -> None:
    profile, language = wanted.profile, str(wanted.profile.get("language") or "")
    _translated(
        pen,
        node,
        DCTERMS.title,
        wanted.title,
        profile.get("title_translated"),
        language,
    )
    # The profile demands a description: where there is none, the title describes, and
    # "" is stated exactly.
    notes = wanted.notes or wanted.title
    _translated(
        pen, node, DCTERMS.description, notes, profile.get("notes_translated"), language
    )
    pen.text(node, DCTERMS.identifier, wanted.id)
    for tag in wanted.tags:
        pen.text(node, DCAT.keyword, tag, tongue(tag))
    pen.moment(
        node,
        DCTERMS.issued,
        wanted.extras.get("issued") or package.get("metadata_created"),
    )
    pen.moment(
        node,
        DCTERMS.modified,
        wanted.extras.get("modified") or package.get("metadata_modified"),
    )
    pen.link(
        node, DCAT.landingPage, wanted.url or f"{pen.site.url}/dataset/{wanted.name}"
    )
    pen.text(node, DCAT.version, wanted.version)
    pen.text(node, OWL.versionInfo, wanted.version)
    if language in LANGUAGES:
        pen.link(node, DCTERMS.language, authority("language", LANGUAGES[language]))
    if profile.get("frequency") in FREQUENCIES:
        pen.link(
            node,
            DCTERMS.accrualPeriodicity,
            authority("frequency", FREQUENCIES[str(profile["frequency"])]),
        )
    if profile.get("access_kind") in ACCESS_RIGHTS:
        pen.link(
            node,
            DCTERMS.accessRights,
            authority("access-right", ACCESS_RIGHTS[str(profile["access_kind"])]),
        )
    pen.licence(node, package)


def _translated(
    pen: Pen, node: URIRef, predicate: URIRef, text: str, others: Any, language: str
) -> None:
    others = others if isinstance(others, Mapping) else {}
    same = next((tag for tag, other in others.items() if other == text), None)
    main = same or (language if language in LANGUAGES else tongue(text))
    main = main if main and _TAG.match(main) else None
    pen.text(node, predicate, text, main)
    for tag, other in others.items():
        if tag != main and _TAG.match(str(tag)):
            pen.text(node, predicate, other, tag)


def _around(
    pen: Pen, node: URIRef, package: PackageDict, wanted: DatasetRecord
) -> None:
    profile = wanted.profile
    _themes(pen, node, package, wanted)
    if (
        profile.get("period")
        or wanted.extras.get("temporal_start")
        or wanted.extras.get("temporal_end")
    ):
        _period(pen, node, str(profile.get("period") or ""), wanted.extras)
    if profile.get("spatial_unit") or wanted.extras.get("spatial"):
        place = pen.blank(node, DCTERMS.spatial, DCTERMS.Location)
        unit = profile.get("spatial_unit") or ""
        pen.text(place, SKOS.prefLabel, unit, tongue(str(unit)))
        if str(wanted.extras.get("spatial", "")).startswith("{"):
            shape = Literal(wanted.extras["spatial"], datatype=URIRef(GEOJSON))
            pen.graph.add((place, LOCN.geometry, shape))
    if profile.get("source_database"):
        statement = pen.blank(node, DCTERMS.provenance, DCTERMS.ProvenanceStatement)
        pen.text(
            statement,
            RDFS.label,
            profile["source_database"],
            tongue(str(profile["source_database"])),
        )
    _law(pen, node, str(profile.get("legal_basis") or ""))
    for relation in package.get("relationships_as_subject") or ():
        if relation["type"] in RELATIONS:
            other = f"{pen.site.url}/dataset/{relation['object_package_id']}"
            pen.link(node, RELATIONS[relation["type"]], other)


def _themes(
    pen: Pen, node: URIRef, package: PackageDict, wanted: DatasetRecord
) -> None:
    for group in package.get("groups") or ():
        concept = URIRef(f"{pen.site.url}/group/{group['name']}")
        pen.graph.add((node, DCAT.theme, concept))
        pen.graph.add((concept, RDF.type, SKOS.Concept))
        pen.text(concept, SKOS.notation, group["name"])
        title = group.get("title") or group["name"]
        pen.text(concept, SKOS.prefLabel, title, tongue(title))
        if group["name"] in THEMES:
            pen.link(node, DCAT.theme, authority("data-theme", THEMES[group["name"]]))
    for vocabulary, tag in wanted.vocabulary_tags:
        subject = pen.blank(node, DCTERMS.subject, SKOS.Concept)
        pen.text(subject, SKOS.prefLabel, tag)
        scheme = pen.blank(subject, SKOS.inScheme, SKOS.ConceptScheme)
        pen.text(scheme, DCTERMS.title, vocabulary)


def _period(pen: Pen, node: URIRef, period: str, extras: Mapping[str, str]) -> None:
    time = pen.blank(node, DCTERMS.temporal, DCTERMS.PeriodOfTime)
    pen.text(time, SKOS.prefLabel, period, tongue(period))
    start, end = bounds(period)
    pen.moment(time, DCAT.startDate, start or extras.get("temporal_start"))
    pen.moment(time, DCAT.endDate, end or extras.get("temporal_end"))


def _law(pen: Pen, node: URIRef, basis: str) -> None:
    if not basis:
        return
    if (
        basis.startswith(("http://", "https://"))
        and iri(basis, pen.site.url) is not None
    ):
        pen.link(node, DCATAP.applicableLegislation, basis)
        return
    law = pen.blank(node, DCATAP.applicableLegislation, ELI.LegalResource)
    pen.text(law, ELI.title, basis, tongue(basis))


def _publisher(pen: Pen, node: URIRef, organization: OrganizationDict) -> None:
    """The organization that publishes."""
    body = URIRef(f"{pen.site.url}/organization/{organization['id']}")
    pen.graph.add((node, DCTERMS.publisher, body))
    for kind in (FOAF.Agent, FOAF.Organization):
        pen.graph.add((body, RDF.type, kind))
    title = organization.get("title") or organization["name"]
    pen.text(body, FOAF.name, title, tongue(title))
    pen.text(body, DCTERMS.identifier, organization["name"])


def _people(pen: Pen, node: URIRef, wanted: DatasetRecord) -> None:
    name = wanted.profile.get("contact_name") or wanted.maintainer or wanted.author
    mail = (
        wanted.profile.get("contact_email")
        or wanted.maintainer_email
        or wanted.author_email
    )
    if name or mail:
        contact = pen.blank(node, DCAT.contactPoint, VCARD.Kind)
        pen.text(contact, VCARD.fn, name or mail, tongue(str(name or "")))
        pen.link(contact, VCARD.hasEmail, f"mailto:{mail}" if mail else None)
    if wanted.author or wanted.author_email:
        _agent(
            pen,
            pen.blank(node, DCTERMS.creator, FOAF.Agent),
            wanted.author,
            wanted.author_email,
        )
    if wanted.maintainer or wanted.maintainer_email:
        share = pen.blank(node, PROV.qualifiedAttribution, PROV.Attribution)
        pen.link(share, DCAT.hadRole, CUSTODIAN)
        _agent(
            pen,
            pen.blank(share, PROV.agent, FOAF.Agent),
            wanted.maintainer,
            wanted.maintainer_email,
        )


def _agent(pen: Pen, agent: Node, name: str | None, mail: str | None) -> None:
    # An agent always has a name.
    pen.text(agent, FOAF.name, name or mail, tongue(name or ""))
    pen.link(agent, FOAF.mbox, f"mailto:{mail}" if mail else None)


def _what_is_missing(pen: Pen, node: URIRef, wanted: DatasetRecord) -> None:
    """Read back what was written, and state exactly whatever did not come back as it
    was.
    """
    found = read_dataset(pen.graph, node)
    for each in fields(DatasetRecord):
        value = getattr(wanted, each.name)
        if each.name not in ELSEWHERE and value != getattr(found, each.name):
            pen.exactly(node, each.name, value)
    for field in PROFILE_FIELDS:
        value = wanted.profile.get(field.name)
        if value != found.profile.get(field.name):
            pen.exactly(node, field.name, value)
    for given, read in zip(wanted.resources, found.resources, strict=True):
        distribution.what_is_missing(pen, node, given, read)


def add_catalog(pen: Pen, packages: Iterable[PackageDict]) -> URIRef:
    """The catalogue around these datasets, with the services that answer the rows of
    their tables.
    """
    node = URIRef(f"{pen.site.url}/catalog")
    site = pen.site
    pen.graph.add((node, RDF.type, DCAT.Catalog))
    pen.text(node, DCTERMS.title, site.title, tongue(site.title) or site.language)
    pen.text(
        node,
        DCTERMS.description,
        site.description or site.title,
        tongue(site.description or site.title),
    )
    pen.link(node, FOAF.homepage, f"{site.url}/")
    for language in ("vi", "en"):
        pen.link(node, DCTERMS.language, authority("language", LANGUAGES[language]))
    pen.link(node, DCAT.themeTaxonomy, f"{authority('data-theme', '')}".rstrip("/"))
    publisher = pen.blank(node, DCTERMS.publisher, FOAF.Agent)
    pen.text(publisher, FOAF.name, site.title, tongue(site.title))
    for package in packages:
        pen.graph.add(
            (node, DCAT.dataset, URIRef(f"{pen.site.url}/dataset/{package['id']}"))
        )
        for resource in package.get("resources") or ():
            if resource.get("datastore_active"):
                pen.graph.add(
                    (
                        node,
                        DCAT.service,
                        distribution.service_address(pen.site, resource["id"]),
                    )
                )
    return node


def bounds(period: str) -> tuple[str, str]:
    """Start and end of a reporting period that can be understood: "2025", "2025-Q1",
    "2021-2025", "a/b".
    """
    text = period.strip()
    if found := _YEARS.match(text):
        return found.group(1), found.group(2)
    if found := _QUARTER.match(text):
        year, quarter = found.group(1), int(found.group(2))
        return f"{year}-{quarter * 3 - 2:02}", f"{year}-{quarter * 3:02}"
    start, slash, end = text.partition("/")
    if slash and is_moment(start) and is_moment(end):
        return start, end
    return (text, text) if is_moment(text) else ("", "")
