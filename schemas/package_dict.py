"""The shapes of a package dict, as CKAN's package_show answers it, and of all that it
holds.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

import orjson


class ExtraDict(TypedDict):
    """A key that the publisher added to a dataset; the value is always a text."""

    key: str
    value: str


class TagDict(TypedDict):
    """A tag of a dataset; `vocabulary_id` is None for a free one."""

    id: str
    name: str
    display_name: str
    state: str
    vocabulary_id: str | None
    vocabulary_name: NotRequired[str]


class OrganizationDict(TypedDict):
    """The organization that owns a dataset, in brief; `former_names` are of bodies that
    it succeeded.
    """

    id: str
    name: str
    title: str
    type: str
    description: str | None
    image_url: str | None
    created: str | None
    is_organization: bool
    approval_status: str
    state: str
    former_names: NotRequired[list[str]]


class GroupDict(TypedDict):
    """A group (a theme) that a dataset belongs to, in brief."""

    id: str
    name: str
    title: str
    display_name: str
    description: str | None
    image_display_url: str | None


class RelationshipDict(TypedDict):
    """A relationship between two datasets, in its forward direction."""

    id: str
    subject: str
    subject_package_id: str
    object: str
    object_package_id: str
    type: str
    comment: str
    state: str


class ResourceDict(TypedDict):
    """A resource; keys that its publisher added stand beside these at the top level.

    Times are ISO texts in UTC without a zone, `size` is in bytes, `hash` a hexadecimal
    digest. `url` is where the bytes are; `url_type` says who keeps them ("upload",
    "harvest", "datastore"), None means a link to elsewhere.
    """

    id: str
    package_id: str
    position: int
    name: str | None
    description: str | None
    url: str
    url_type: str | None
    format: str
    mimetype: str | None
    mimetype_inner: str | None
    resource_type: str | None
    size: int | None
    hash: str
    created: str | None
    last_modified: str | None
    metadata_modified: str | None
    cache_last_updated: str | None
    cache_url: str | None
    state: str
    datastore_active: bool
    """Whether row queries (datastore_search) are answered."""
    check_state: NotRequired[str]
    """Open, waiting or held: whether everybody may have its file and rows."""
    schema: NotRequired[dict[str, Any] | str]
    """A Table Schema, or the name of one in the portal's catalogue."""
    validation_status: NotRequired[str]
    validation_timestamp: NotRequired[str | None]


class PackageDict(TypedDict):
    """A dataset ("package") as it leaves the portal.

    Times are ISO texts in UTC without a zone. `isopen` is about the licence; who may
    read the dataset follows from `state` and `private`. The province's own fields
    (`schemas.vocabularies.PROFILE_FIELDS`) come last; each is there only if it has a
    value, and stands once more among the extras.
    """

    id: str
    name: str
    title: str
    notes: str | None
    url: str | None
    version: str | None
    author: str | None
    author_email: str | None
    maintainer: str | None
    maintainer_email: str | None
    creator_user_id: str | None
    owner_org: str | None
    organization: OrganizationDict | None
    private: bool
    state: str
    type: str
    metadata_created: str | None
    metadata_modified: str | None
    license_id: str | None
    license_title: str | None
    license_url: NotRequired[str]
    isopen: bool
    num_resources: int
    num_tags: int
    extras: list[ExtraDict]
    groups: list[GroupDict]
    resources: list[ResourceDict]
    tags: list[TagDict]
    relationships_as_subject: list[RelationshipDict]
    relationships_as_object: list[RelationshipDict]

    access_kind: NotRequired[str]
    frequency: NotRequired[str]
    period: NotRequired[str]
    sector: NotRequired[str]
    annex: NotRequired[str]
    annex_number: NotRequired[str]
    source_database: NotRequired[str]
    sharing_channel: NotRequired[str]
    language: NotRequired[str]
    title_translated: NotRequired[dict[str, str]]
    notes_translated: NotRequired[dict[str, str]]
    contact_name: NotRequired[str]
    contact_email: NotRequired[str]
    spatial_unit: NotRequired[str]
    legal_basis: NotRequired[str]
    data_label: NotRequired[str]


def read_package(rendered: bytes) -> PackageDict:
    """The package dict that a dataset was rendered to."""
    package: PackageDict = orjson.loads(rendered)
    return package
