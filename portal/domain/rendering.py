"""The package dict: the one shape of everything that leaves, rendered when a dataset
changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from portal.domain.base import stamp
from portal.domain.datasets import Dataset, Resource, Tag
from portal.domain.people import Group
from portal.domain.relations import Relationship
from schemas.package_dict import (
    ExtraDict,
    GroupDict,
    OrganizationDict,
    PackageDict,
    RelationshipDict,
    ResourceDict,
    TagDict,
)
from schemas.vocabularies import LICENCE_BY_ID, PROFILE_FIELDS


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a dataset in its package dict.

    `related` are relationships with public datasets only; `vocabularies` maps ids to
    names.
    """

    organization: Group | None = None
    groups: tuple[Group, ...] = ()
    related: tuple[tuple[Relationship, Dataset], ...] = ()
    vocabularies: Mapping[str, str] = field(default_factory=dict)


def package_dict(dataset: Dataset, around: Around, site_url: str) -> PackageDict:
    """Render a dataset as CKAN's package_show answers it.

    The province's fields stand at the top level, and once more among the extras for
    clients that know only those.
    """
    resources = [
        resource_dict(resource, site_url, position)
        for position, resource in enumerate(dataset.resources)
    ]
    tags = [
        tag_dict(tag, around.vocabularies)
        for tag in sorted(dataset.tags, key=lambda tag: tag.name)
    ]
    organization = around.organization
    licence = LICENCE_BY_ID.get(dataset.license_id or "")
    package: PackageDict = {
        "isopen": licence.open if licence else False,
        "license_title": licence.title if licence else dataset.license_id,
        "author": dataset.author,
        "author_email": dataset.author_email,
        "creator_user_id": dataset.creator_user_id,
        "id": dataset.id,
        "license_id": dataset.license_id,
        "maintainer": dataset.maintainer,
        "maintainer_email": dataset.maintainer_email,
        "metadata_created": stamp(dataset.metadata_created),
        "metadata_modified": stamp(dataset.metadata_modified),
        "name": dataset.name,
        "notes": dataset.notes,
        "num_resources": len(resources),
        "num_tags": len(tags),
        "organization": organization_brief(organization) if organization else None,
        "owner_org": dataset.owner_org,
        "private": dataset.private,
        "state": dataset.state,
        "title": dataset.title or dataset.name,
        "type": dataset.type,
        "url": dataset.url,
        "version": dataset.version,
        "extras": _extras(dataset),
        "groups": [
            group_brief(group)
            for group in sorted(around.groups, key=lambda group: group.name)
        ],
        "resources": resources,
        "tags": tags,
        "relationships_as_subject": [
            relationship_dict(relation, dataset, other)
            for relation, other in around.related
            if relation.subject_id == dataset.id
        ],
        "relationships_as_object": [
            relationship_dict(relation, other, dataset)
            for relation, other in around.related
            if relation.object_id == dataset.id
        ],
    }
    if licence and licence.url:
        package["license_url"] = licence.url
    profile = {
        each.name: dataset.profile[each.name]
        for each in PROFILE_FIELDS
        if each.name in dataset.profile
    }
    # Names of fields that are data cannot be checked as keys.
    return cast(PackageDict, {**package, **profile})


def _extras(dataset: Dataset) -> list[ExtraDict]:
    profile = {name: _as_extra(value) for name, value in dataset.profile.items()}
    extras = {**dataset.extras, **profile}
    return [{"key": key, "value": value} for key, value in sorted(extras.items())]


def relationship_dict(
    relation: Relationship, subject: Dataset, object_: Dataset
) -> RelationshipDict:
    """Render a relationship in its forward direction."""
    return {
        "id": relation.id,
        "subject": subject.name,
        "subject_package_id": relation.subject_id,
        "object": object_.name,
        "object_package_id": relation.object_id,
        "type": relation.type,
        "comment": relation.comment,
        "state": "active",
    }


def _as_extra(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def resource_dict(
    resource: Resource, site_url: str, position: int | None = None
) -> ResourceDict:
    """Render a resource; keys that the publisher added come at its top level, below the
    portal's own.
    """
    own: ResourceDict = {
        "cache_last_updated": None,
        "cache_url": None,
        "created": stamp(resource.created),
        "datastore_active": resource.datastore_active,
        "description": resource.description,
        "format": resource.format,
        "hash": resource.hash,
        "id": resource.id,
        "last_modified": stamp(resource.last_modified),
        "metadata_modified": stamp(resource.metadata_modified),
        "mimetype": resource.mimetype,
        "mimetype_inner": None,
        "name": resource.name,
        "package_id": resource.package_id,
        "position": resource.position if position is None else position,
        "resource_type": resource.extras.get("resource_type"),
        "size": resource.size,
        "state": resource.state,
        "url": resource_url(resource, site_url),
        "url_type": resource.url_type,
    }
    if resource.access:
        own["check_state"] = resource.access
    _add_validation(own, resource)
    return cast(ResourceDict, {**resource.extras, **own})


def _add_validation(own: ResourceDict, resource: Resource) -> None:
    """The table schema and the last verdict, where there are any, under
    ckanext-validation's keys.
    """
    if schema := resource.schema_name or resource.table_schema:
        own["schema"] = schema
    if resource.validation_status:
        own["validation_status"] = resource.validation_status
    if resource.validation_timestamp:
        own["validation_timestamp"] = stamp(resource.validation_timestamp)


def resource_url(resource: Resource, site_url: str) -> str:
    """The address of the bytes: our download route for stored files, else the link with
    a scheme.
    """
    if resource.url_type in ("upload", "harvest"):
        name = resource.file_name or resource.id
        folder = f"{site_url}/dataset/{resource.package_id}/resource/{resource.id}"
        return f"{folder}/download/{name}"
    if resource.url_type == "datastore":
        return f"{site_url}/datastore/dump/{resource.id}"
    link = resource.url.strip()
    return (
        link if not link or "://" in link or link.startswith("/") else f"http://{link}"
    )


def tag_dict(tag: Tag, vocabularies: Mapping[str, str] | None = None) -> TagDict:
    """Render a tag; one of a vocabulary says its name where `vocabularies` knows it."""
    rendered: TagDict = {
        "display_name": tag.name,
        "id": tag.id,
        "name": tag.name,
        "state": "active",
        "vocabulary_id": tag.vocabulary_id,
    }
    vocabulary_name = (vocabularies or {}).get(tag.vocabulary_id or "")
    if vocabulary_name:
        rendered["vocabulary_name"] = vocabulary_name
    return rendered


def organization_brief(group: Group) -> OrganizationDict:
    """The organization as a package dict embeds it."""
    brief: OrganizationDict = {
        "id": group.id,
        "name": group.name,
        "title": group.title,
        "type": group.type,
        "description": group.description,
        "image_url": group.image_url,
        "created": stamp(group.created),
        "is_organization": True,
        "approval_status": group.approval_status,
        "state": group.state,
    }
    if succeeded := former_names(group):
        brief["former_names"] = succeeded
    return brief


def former_names(group: Group) -> list[str]:
    """What the bodies were called that an organization succeeded."""
    bodies = group.profile.get("succeeds") or ()
    return [
        body["title"]
        for body in bodies
        if isinstance(body, Mapping) and body.get("title")
    ]


def group_brief(group: Group) -> GroupDict:
    """A group as a package dict embeds it."""
    return {
        "description": group.description,
        "display_name": group.display_name,
        "id": group.id,
        "image_display_url": group.image_url,
        "name": group.name,
        "title": group.title,
    }


def splice(package: PackageDict, resource: Resource, site_url: str) -> bool:
    """Put one resource, as it is now, into a package dict that was rendered before;
    tell whether it says anything new.

    A new resource comes last, a deleted one leaves its place to the next. All others
    stay as they were rendered: the result is what `package_dict` would render, at the
    cost of one resource.
    """
    resources = package["resources"]
    place = next(
        (index for index, each in enumerate(resources) if each["id"] == resource.id),
        len(resources),
    )
    before = resources[place : place + 1]
    after: list[ResourceDict] = []
    if resource.state == "active":
        rendered = resource_dict(resource, site_url, place)
        # Through JSON and back, so that it compares with what was kept as JSON.
        after = [orjson.loads(orjson.dumps(rendered))]
    resources[place : place + 1] = after
    if not after:
        for position, each in enumerate(resources[place:], place):
            each["position"] = position
    package["num_resources"] = len(resources)
    return [_timeless_resource(each) for each in before] != [
        _timeless_resource(each) for each in after
    ]


def unchanged(before: PackageDict, after: PackageDict) -> bool:
    """Whether two package dicts say the same, but for times of modification."""
    return _timeless(before) == _timeless(after)


def _timeless(package: PackageDict) -> Mapping[str, object]:
    timeless = {
        key: value for key, value in package.items() if key != "metadata_modified"
    }
    timeless["resources"] = [
        _timeless_resource(resource) for resource in package.get("resources", ())
    ]
    return timeless


def _timeless_resource(resource: ResourceDict) -> Mapping[str, object]:
    return {key: value for key, value in resource.items() if key != "metadata_modified"}
