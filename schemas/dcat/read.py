"""From a graph to records: what we wrote comes back exactly, and what others wrote as
far as it can be understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from rdflib import Graph, URIRef
from rdflib.namespace import DC, DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS
from rdflib.term import BNode, Node

from schemas.dcat.distributions import Mistyped, checked, distributions
from schemas.dcat.terms import (
    ACCESS_OF,
    ADMS,
    AUTHORITY,
    DCAT,
    DCATAP,
    LOCN,
    SCHEMA,
    VCARD,
    code_of,
    frequency_of,
    is_moment,
    language_of,
    licence_of,
    slug,
)
from schemas.dcat.view import View, plain, preferred
from schemas.record import DatasetRecord
from schemas.vocabularies import PROFILE_NAMES

Json = dict[str, Any]
TUPLES = ("tags", "groups")
STATED_ONLY = ("private", "type")
"""Fields that no term carries; a state is never taken over from elsewhere."""
KINDS: dict[str, type | tuple[type, ...]] = {
    "private": bool,
    "tags": list,
    "groups": list,
}
OPTIONAL = (
    "id",
    "url",
    "version",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "license_id",
    "owner_org",
)
_TAG = re.compile(r"[^\w .-]+")
_MAIL = re.compile(r"^mailto:", re.IGNORECASE)


class NotADataset(ValueError):
    """A node that says too little to be a dataset; the message says what is missing."""


def dataset_nodes(graph: Graph) -> list[Node]:
    """Every dataset of a graph, in the order of their addresses; series and catalogues
    are none.
    """
    found = set(graph.subjects(RDF.type, DCAT.Dataset)) | set(
        graph.objects(None, DCAT.dataset)
    )
    other = set(graph.subjects(RDF.type, DCAT.Catalog)) | set(
        graph.subjects(RDF.type, DCAT.DatasetSeries)
    )
    mere = {
        node
        for node in found - other
        if isinstance(node, BNode) and (node, None, None) not in graph
    }
    return sorted(
        found - other - mere, key=lambda node: (str(identity(graph, node)), str(node))
    )


def identity(graph: Graph, node: Node) -> str:
    """What a dataset is known by at its source: its address, else its identifier, else
    nothing.
    """
    return (
        str(node)
        if isinstance(node, URIRef)
        else View(graph, node).first(DCTERMS.identifier)
    )


def read_dataset(graph: Graph, node: Node) -> DatasetRecord:
    """One dataset as a record. Raises NotADataset for one that only its address tells
    of.
    """
    view = View(graph, node)
    stated, extras = view.stated()
    ours = "name" in stated
    language = _language(view)
    found = _core(view, language)
    profile = _profile(view, language)
    if not ours:
        extras = _extras_of_others(view, found, profile)
    if not ours and not found["title"]:
        raise NotADataset(
            "The catalogue names a dataset that has no title, or that it does not "
            "describe."
        )
    if ours and found["url"] == f"{view.address.rpartition('/')[0]}/{stated['name']}":
        found["url"] = None  # the landing page of a dataset that names none is its own
    name = (
        checked("name", stated.pop("name", ""), str)
        or slug(found["title"])
        or slug(code_of(identity(graph, node)))
        or "dataset"
    )
    for field, value in stated.items():
        if field in PROFILE_NAMES:
            profile[field] = checked(
                field, value, (str, dict) if field.endswith("_translated") else str
            )
        elif field in found or field in STATED_ONLY:
            found[field] = (
                _pairs(value)
                if field == "vocabulary_tags"
                else checked(field, value, KINDS.get(field, str))
            )
    return DatasetRecord(
        name=name,
        **_shaped(found),
        extras=extras,
        profile={key: value for key, value in profile.items() if value},
        resources=distributions(view, exact=ours),
    )


def _pairs(value: Any) -> Any:
    """Pairs of texts. Raises Mistyped for anything else."""
    for pair in checked("vocabulary_tags", value, list) or ():
        if len(checked("vocabulary_tags", pair, list)) != 2:
            raise Mistyped("The exact value of vocabulary_tags is of a wrong type.")
    return value


def _shaped(found: Mapping[str, Any]) -> Json:
    shaped: Json = {
        key: (value or None) if key in OPTIONAL else value
        for key, value in found.items()
    }
    for key in TUPLES:
        shaped[key] = tuple(str(each) for each in shaped[key] or ())
    shaped["vocabulary_tags"] = tuple(
        (pair[0], pair[1]) for pair in shaped["vocabulary_tags"] or ()
    )
    return shaped


def _language(view: View) -> str:
    found = [
        language_of(text)
        for node in view.nodes(DCTERMS.language, DC.language)
        if (text := plain(node))
    ]
    return preferred(found) if found else ""


def _core(view: View, language: str) -> Json:
    creator, keeper = _agent(view.views(DCTERMS.creator)), _agent(_custodians(view))
    publishers = view.views(DCTERMS.publisher)
    licence, _ = _licence(view)
    return {
        "title": view.text(
            DCTERMS.title, DC.title, RDFS.label, SCHEMA.name, language=language
        ),
        "notes": view.text(DCTERMS.description, language=language),
        "id": view.first(DCTERMS.identifier),
        "url": view.first(DCAT.landingPage, FOAF.page),
        "version": view.first(DCAT.version, OWL.versionInfo),
        "author": creator[0],
        "author_email": creator[1],
        "maintainer": keeper[0],
        "maintainer_email": keeper[1],
        "license_id": licence,
        "owner_org": publishers[0].first(DCTERMS.identifier) if publishers else "",
        "tags": _tags(view),
        "vocabulary_tags": sorted(_vocabulary_tags(view)),
        "groups": [
            name
            for theme in view.views(DCAT.theme)
            if (name := theme.first(SKOS.notation))
        ],
    }


def _tags(view: View) -> list[str]:
    words = (
        _TAG.sub(" ", text).strip()[:100].strip()
        for text in map(plain, view.nodes(DCAT.keyword))
    )
    return sorted({" ".join(word.split()) for word in words if len(word) > 1})


def _vocabulary_tags(view: View) -> Iterable[tuple[str, str]]:
    for subject in view.views(DCTERMS.subject):
        for scheme in subject.views(SKOS.inScheme):
            tag, vocabulary = subject.text(SKOS.prefLabel), scheme.text(DCTERMS.title)
            if tag and vocabulary:
                yield vocabulary, tag


def _custodians(view: View) -> list[View]:
    shares = view.views(PROV.qualifiedAttribution)
    return [
        agent
        for share in shares
        if share.nodes(DCAT.hadRole)
        for agent in share.views(PROV.agent)
    ]


def _agent(agents: list[View]) -> tuple[str, str]:
    """(name, e-mail) of the first of some agents; a text is a name."""
    if not agents:
        return "", ""
    agent = agents[0]
    name = agent.label if not agent.address else agent.text(FOAF.name, RDFS.label)
    return name, _mail(agent.first(FOAF.mbox, VCARD.hasEmail, SCHEMA.email))


def _mail(address: str) -> str:
    return _MAIL.sub("", address)


def _licence(view: View) -> tuple[str | None, str]:
    """(id of the licence, what was said of it); DCAT puts it on distributions, older
    catalogues on datasets.
    """
    said = ""
    for holder in (view, *view.views(DCAT.distribution)):
        for document in holder.views(DCTERMS.license, DCTERMS.rights):
            given = document.first(DCTERMS.identifier)
            if known := given or licence_of(document.address or document.label):
                return known, document.address
            said = said or document.address or document.label
    return None, said


def _profile(view: View, language: str) -> Json:
    contacts = view.views(DCAT.contactPoint, ADMS.contactPoint)
    contact = contacts[0] if contacts else None
    places, times = view.views(DCTERMS.spatial), view.views(DCTERMS.temporal)
    rights = code_of(view.first(DCTERMS.accessRights))
    laws = view.views(DCATAP.applicableLegislation)
    return {
        "language": language,
        "title_translated": _translated(view, DCTERMS.title),
        "notes_translated": _translated(view, DCTERMS.description),
        "frequency": frequency_of(view.first(DCTERMS.accrualPeriodicity)),
        "access_kind": ACCESS_OF.get(rights),
        "contact_name": contact.text(
            VCARD.fn, VCARD["organization-name"], FOAF.name, RDFS.label
        )
        if contact
        else "",
        "contact_email": _mail(_contact_mail(contact)) if contact else "",
        "spatial_unit": next((name for place in places if (name := _place(place))), ""),
        "period": next((text for time in times if (text := _period(time))), ""),
        "legal_basis": laws[0].label
        if laws and not laws[0].text(_ELI_TITLE)
        else _law(laws),
        "source_database": "",
    }


_ELI_TITLE = URIRef("http://data.europa.eu/eli/ontology#title")


def _law(laws: list[View]) -> str:
    return laws[0].text(_ELI_TITLE) if laws else ""


def _contact_mail(contact: View) -> str:
    for holder in contact.views(VCARD.hasEmail, VCARD.email):
        return (
            holder.address
            or holder.first(VCARD.hasValue, VCARD.value)
            or plain(holder.node)
        )
    return contact.first(FOAF.mbox)


def _translated(view: View, predicate: URIRef) -> dict[str, str]:
    tagged = {
        language: text
        for language, text in view.by_language(predicate).items()
        if language
    }
    return tagged if len(tagged) > 1 else {}


def _place(place: View) -> str:
    return place.text(SKOS.prefLabel, RDFS.label, LOCN.geographicName) or (
        "" if place.address else place.label
    )


def _period(time: View) -> str:
    if label := time.text(SKOS.prefLabel, RDFS.label):
        return label
    start = time.first(DCAT.startDate, SCHEMA.startDate)[:10]
    end = time.first(DCAT.endDate, SCHEMA.endDate)[:10]
    if start and end:
        return start if start == end else f"{start}/{end}"
    return start or end or ("" if isinstance(time.node, BNode) else plain(time.node))


def _extras_of_others(view: View, found: Json, profile: Json) -> dict[str, str]:
    """What our own fields have no room for, under the keys that ckanext-dcat uses; and
    what would be wrong in them.
    """
    identifier, found["id"] = found["id"], None
    publisher = next(iter(view.views(DCTERMS.publisher)), None)
    found["owner_org"], found["groups"] = None, []
    themes = [theme.address or theme.label for theme in view.views(DCAT.theme)]
    licence, said = _licence(view)
    found["license_id"] = licence_of(licence) if licence else None
    rights, frequency = (
        view.first(DCTERMS.accessRights),
        view.first(DCTERMS.accrualPeriodicity),
    )
    extras = {
        "uri": view.address,
        "identifier": identifier,
        "alternate_identifier": _other_identifiers(view),
        "issued": _moment(view.first(DCTERMS.issued)),
        "modified": _moment(view.first(DCTERMS.modified)),
        "theme": orjson.dumps(themes).decode() if themes else "",
        "conforms_to": _labels(view, DCTERMS.conformsTo),
        "provenance": "; ".join(
            statement.label for statement in view.views(DCTERMS.provenance)
        ),
        "access_rights": ""
        if profile.get("access_kind")
        else rights or _labels(view, DCTERMS.accessRights),
        "frequency_uri": "" if profile.get("frequency") else frequency,
        "license_url": "" if found["license_id"] else said,
        "spatial_uri": next(
            (p.address for p in view.views(DCTERMS.spatial) if p.address), ""
        ),
        "spatial": _geometry(view),
    }
    if publisher is not None:
        name, mail = _agent([publisher])
        extras |= {
            "publisher_name": name,
            "publisher_email": mail,
            "publisher_uri": publisher.address,
        }
    return {
        key: value
        for key, value in extras.items()
        if value and not value.startswith(f"{AUTHORITY}none")
    }


def _other_identifiers(view: View) -> str:
    found = [
        each.first(SKOS.notation) or each.address or plain(each.node)
        for each in view.views(ADMS.identifier)
    ]
    return orjson.dumps(found).decode() if any(found) else ""


def _labels(view: View, predicate: URIRef) -> str:
    found = [each.address or each.label for each in view.views(predicate)]
    return orjson.dumps([text for text in found if text]).decode() if any(found) else ""


def _moment(text: str) -> str:
    text = text.replace("+00:00", "Z")
    return text if is_moment(text) else ""


def _geometry(view: View) -> str:
    for place in view.views(DCTERMS.spatial):
        shapes = [
            text
            for node in place.nodes(LOCN.geometry, DCAT.bbox)
            if (text := plain(node))
        ]
        if shapes:
            return next((text for text in shapes if text.startswith("{")), shapes[0])
    return ""
