"""MQA points: the five dimensions of the European metadata quality assessment, 405
points in all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from i18n import Message
from portal.quality.dataset.facts import (
    MACHINE_READABLE,
    NON_PROPRIETARY,
    Facts,
    ResourceFacts,
)
from schemas.vocabularies import ACCESS_KINDS, FORMATS, LICENCE_BY_ID

KNOWN_FORMATS = frozenset(FORMATS.values())
RATINGS = ((351, "excellent"), (221, "good"), (121, "sufficient"), (0, "bad"))
"""MQA's own bounds."""
Share = Callable[[Facts], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: at most `of` points, and which share of them a dataset has (0 to
    1).
    """

    id: str
    title: Message
    of: int
    share: Share


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the five dimensions."""

    id: str
    title: Message
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """A metric and its points."""

    dimension: Dimension
    metric: Metric
    points: int


def _filled(*names: str) -> Share:
    return lambda facts: float(bool(facts.text(*names)))


def _each(test: Callable[[ResourceFacts], object]) -> Share:
    """The share of resources that pass a test."""

    def share(facts: Facts) -> float:
        passed = sum(bool(test(each)) for each in facts.resources)
        # A dataset without a resource has nothing that passes.
        return passed / len(facts.resources) if facts.resources else 0.0

    return share


def _stored(each: ResourceFacts) -> bool:
    # A link's bytes are not ours to see: None must not count as stored.
    return each.stored is True


def _compliant(facts: Facts) -> float:
    """The mandatory properties of DCAT-AP: title, description, publisher, and an access
    URL for each distribution.
    """
    mandatory = (
        facts.text("title")
        and facts.text("notes")
        and facts.package.get("organization")
    )
    return float(
        bool(mandatory) and all(each.shown.get("url") for each in facts.resources)
    )


def _known_licence(facts: Facts) -> float:
    """1 where the licence is one of the vocabulary."""
    return float(
        # CKAN's "notspecified" stands in the vocabulary and says that there is no
        # licence.
        facts.text("license_id") not in ("", "notspecified")
        and facts.text("license_id") in LICENCE_BY_ID
    )


# The points are MQA's own: 100, 100, 110, 75 and 20 by dimension, 405 in all.
DIMENSIONS: tuple[Dimension, ...] = (
    Dimension(
        "findability",
        Message("Findability"),
        (
            Metric(
                "keywords",
                Message("Keywords"),
                30,
                lambda facts: float(bool(facts.package.get("tags"))),
            ),
            Metric(
                "categories",
                Message("Categories"),
                30,
                lambda facts: float(
                    bool(facts.package.get("groups")) or bool(facts.text("sector"))
                ),
            ),
            Metric(
                "spatial",
                Message("Geographic coverage"),
                20,
                _filled("spatial_unit", "spatial"),
            ),
            Metric(
                "temporal",
                Message("Temporal coverage"),
                20,
                _filled("period", "temporal"),
            ),
        ),
    ),
    Dimension(
        "accessibility",
        Message("Accessibility"),
        (
            Metric(
                "access-url",
                Message("Access URL works"),
                50,
                _each(_stored),
            ),
            Metric(
                "download-url",
                Message("Download URL"),
                20,
                _each(lambda each: each.shown.get("url")),
            ),
            Metric("download-works", Message("Download works"), 30, _each(_stored)),
        ),
    ),
    Dimension(
        "interoperability",
        Message("Interoperability"),
        (
            Metric("format", Message("Format"), 20, _each(lambda each: each.format)),
            Metric(
                "media-type",
                Message("Media type"),
                10,
                _each(lambda each: each.shown.get("mimetype")),
            ),
            Metric(
                "format-known",
                Message("Format of the vocabulary"),
                10,
                _each(lambda each: each.format in KNOWN_FORMATS),
            ),
            Metric(
                "non-proprietary",
                Message("Non-proprietary"),
                20,
                _each(lambda each: each.format in NON_PROPRIETARY),
            ),
            Metric(
                "machine-readable",
                Message("Machine-readable"),
                20,
                _each(lambda each: each.format in MACHINE_READABLE),
            ),
            Metric(
                "dcat-ap",
                Message("DCAT-AP's mandatory fields"),
                30,
                _compliant,
            ),
        ),
    ),
    Dimension(
        "reusability",
        Message("Reusability"),
        (
            Metric("licence", Message("Licence", "metric"), 20, _filled("license_id")),
            Metric(
                "licence-known",
                Message("Licence of the vocabulary"),
                10,
                _known_licence,
            ),
            Metric(
                "access",
                Message("Access kind"),
                10,
                _filled("access_kind"),
            ),
            Metric(
                "access-known",
                Message("Access kind of the vocabulary"),
                5,
                lambda facts: float(facts.text("access_kind") in ACCESS_KINDS),
            ),
            Metric(
                "contact",
                Message("Contact point"),
                20,
                _filled(
                    "contact_name",
                    "contact_email",
                    "maintainer",
                    "maintainer_email",
                    "author_email",
                ),
            ),
            Metric(
                "publisher",
                Message("Publisher", "metric"),
                10,
                lambda facts: float(bool(facts.package.get("organization"))),
            ),
        ),
    ),
    Dimension(
        "contextuality",
        Message("Contextuality"),
        (
            Metric(
                "rights",
                Message("Rights"),
                5,
                _filled("legal_basis", "rights"),
            ),
            Metric(
                "size",
                Message("File size"),
                5,
                _each(lambda each: each.shown.get("size")),
            ),
            Metric(
                "issued",
                Message("Date of issue"),
                5,
                _filled("metadata_created"),
            ),
            Metric(
                "modified",
                Message("Date of modification"),
                5,
                _filled("metadata_modified"),
            ),
        ),
    ),
)
MOST = sum(metric.of for dimension in DIMENSIONS for metric in dimension.metrics)


def judge(facts: Facts) -> tuple[Points, ...]:
    """The points of every metric, in order."""
    return tuple(
        Points(dimension, metric, round(metric.of * metric.share(facts)))
        for dimension in DIMENSIONS
        for metric in dimension.metrics
    )


def rating(points: int) -> str:
    """MQA's word for so many points."""
    # Bounds come from the highest to the lowest, and the last one is 0.
    return next(word for bound, word in RATINGS if points >= bound)
