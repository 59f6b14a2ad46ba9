"""The package dict: the one shape of everything that leaves, rendered when a dataset changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from portal.domain.base import stamp
from portal.domain.datasets import Dataset, Resource, Tag
from portal.domain.people import Group
from schemas.vocabularies import LICENCE_BY_ID, PROFILE_FIELDS

Json = dict[str, Any]


def package_dict(dataset: Dataset, organization: Group | None, groups: Iterable[Group], site_url: str) -> Json:
    """Render a dataset as CKAN's package_show answers it, with the province's fields at the top level."""
    resources = [resource_dict(resource, site_url, position) for position, resource in enumerate(dataset.resources)]
    tags = [tag_dict(tag) for tag in sorted(dataset.tags, key=lambda tag: tag.name)]
    return {
        **_licence(dataset.license_id),
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
        **{field.name: dataset.profile[field.name] for field in PROFILE_FIELDS if field.name in dataset.profile},
        "extras": [{"key": key, "value": value} for key, value in sorted(dataset.extras.items())],
        "groups": [group_brief(group) for group in sorted(groups, key=lambda group: group.name)],
        "resources": resources,
        "tags": tags,
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }


def _licence(license_id: str | None) -> Json:
    licence = LICENCE_BY_ID.get(license_id or "")
    if licence is None:
        return {"isopen": False, "license_title": license_id}
    answer: Json = {"isopen": licence.open, "license_title": licence.title}
    return {**answer, "license_url": licence.url} if licence.url else answer


def resource_dict(resource: Resource, site_url: str, position: int | None = None) -> Json:
    """Render a resource; keys that the publisher added come at its top level, below the portal's own."""
    return {
        **resource.extras,
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
        **_validation(resource),
    }


def _validation(resource: Resource) -> Json:
    """The table schema and the last verdict, where there are any, under ckanext-validation's keys."""
    schema = resource.schema_name or resource.table_schema
    verdict = {"validation_status": resource.validation_status} if resource.validation_status else {}
    return {**({"schema": schema} if schema else {}), **verdict}


def resource_url(resource: Resource, site_url: str) -> str:
    """The address of the bytes: our download route for stored files, else the link with a scheme."""
    if resource.url_type in ("upload", "harvest"):
        name = resource.file_name or resource.id
        return f"{site_url}/dataset/{resource.package_id}/resource/{resource.id}/download/{name}"
    if resource.url_type == "datastore":
        return f"{site_url}/datastore/dump/{resource.id}"
    link = resource.url.strip()
    return link if not link or "://" in link or link.startswith("/") else f"http://{link}"


def tag_dict(tag: Tag) -> Json:
    """Render a tag."""
    return {
        "display_name": tag.name,
        "id": tag.id,
        "name": tag.name,
        "state": "active",
        "vocabulary_id": tag.vocabulary_id,
    }


def organization_brief(group: Group) -> Json:
    """The organization as a package dict embeds it."""
    return {
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


def group_brief(group: Group) -> Json:
    """A group as a package dict embeds it."""
    return {
        "description": group.description,
        "display_name": group.display_name,
        "id": group.id,
        "image_display_url": group.image_url,
        "name": group.name,
        "title": group.title,
    }


def unchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two package dicts say the same, but for times of modification."""
    return _timeless(before) == _timeless(after)


def _timeless(package: Mapping[str, Any]) -> Json:
    kept = {key: value for key, value in package.items() if key != "metadata_modified"}
    kept["resources"] = [
        {key: value for key, value in resource.items() if key != "metadata_modified"}
        for resource in package.get("resources", ())
    ]
    return kept
