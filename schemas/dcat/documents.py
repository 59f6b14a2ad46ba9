"""Documents made of fragments: each dataset is serialised once, and pages are put
together from what is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from schemas.dcat.notations import CONTEXT, Notation
from schemas.dcat.pen import Pen
from schemas.dcat.serial import WRITERS
from schemas.dcat.terms import PREFIXES, Site
from schemas.dcat.write import add_dataset
from schemas.package_dict import PackageDict

_TURTLE = "".join(
    f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in PREFIXES.items()
).encode()
_XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF\n'
    + "".join(
        f'  xmlns:{prefix}="{namespace}"\n' for prefix, namespace in PREFIXES.items()
    )
    + ">\n"
).encode()


def dataset_fragment(package: PackageDict, site: Site, notation: Notation) -> bytes:
    """One dataset as a part of a document; its nameless nodes are named after it, so
    that parts do not mix.
    """
    pen = Pen(site, str(package["id"]))
    add_dataset(pen, package)
    return fragment(pen, notation)


def fragment(pen: Pen, notation: Notation) -> bytes:
    """What a graph says in a notation, without the notation's head and tail."""
    return WRITERS[notation.family](pen.graph)


def document(fragments: Iterable[bytes], notation: Notation) -> bytes:
    """A whole document of these parts."""
    parts = [part for part in fragments if part]
    if notation.family == "json-ld":
        context = orjson.dumps(CONTEXT)
        return (
            b'{"@context":'
            + context
            + b',"@graph":[\n'
            + b",\n".join(parts)
            + b"\n]}\n"
        )
    if notation.family == "xml":
        return _XML + b"".join(parts) + b"</rdf:RDF>\n"
    return _TURTLE + b"\n" + b"\n".join(parts)
