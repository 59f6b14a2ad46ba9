"""The package dict says exactly what its declared shape allows."""

from datetime import datetime

from portal.domain.datasets import Dataset, Resource, Tag
from portal.domain.people import Group
from portal.domain.relations import Relationship
from portal.domain.rendering import Around, package_dict
from schemas.package_dict import (
    GroupDict,
    OrganizationDict,
    PackageDict,
    RelationshipDict,
    ResourceDict,
    TagDict,
)
from schemas.vocabularies import PROFILE_FIELDS, PROFILE_NAMES

GUARDS = ("schemas.package_dict",)
SITE = "https://dulieu.example"
MOMENT = datetime(2026, 1, 2, 3, 4, 5)


def _dataset() -> Dataset:
    resource = Resource(
        id="r",
        package_id="d",
        url="https://example.org/a.csv",
        format="CSV",
        hash="",
        state="active",
        extras={"of_the_publisher": "kept", "hash": "theirs"},
        table_schema={"fields": []},
        schema_name="admin_units",
        created=MOMENT,
        metadata_modified=MOMENT,
        rows_access="held",
        validation_status="success",
        validation_timestamp=MOMENT,
    )
    return Dataset(
        id="d",
        name="trees",
        title="Trees",
        license_id="cc-by",
        private=False,
        state="active",
        type="dataset",
        metadata_created=MOMENT,
        metadata_modified=MOMENT,
        extras={"a": "b"},
        profile={
            field.name: {"vi": "x"} if field.translated else "x"
            for field in PROFILE_FIELDS
        },
        all_resources=[resource],
        tags=[Tag(id="t", name="cây", vocabulary_id="v")],
    )


def _group(*, organization: bool) -> Group:
    return Group(
        id="g",
        name="so-nn",
        title="Sở",
        type="organization" if organization else "group",
        is_organization=organization,
        state="active",
        approval_status="approved",
        created=MOMENT,
        profile={"succeeds": [{"title": "Sở cũ"}]},
    )


def _rendered() -> PackageDict:
    other = Dataset(id="o", name="other")
    relation = Relationship(
        id="x", subject_id="d", object_id="o", type="depends_on", comment=""
    )
    around = Around(
        _group(organization=True),
        (_group(organization=False),),
        ((relation, other),),
        {"v": "loài"},
    )
    return package_dict(_dataset(), around, SITE)


def test_a_full_dataset_says_every_key_of_its_shape_and_no_other():
    package = _rendered()
    assert set(package) == set(PackageDict.__annotations__)
    assert set(package["organization"]) == set(OrganizationDict.__annotations__)
    assert set(package["groups"][0]) == set(GroupDict.__annotations__)
    assert set(package["tags"][0]) == set(TagDict.__annotations__)
    assert set(package["relationships_as_subject"][0]) == set(
        RelationshipDict.__annotations__
    )
    added = {"of_the_publisher"}
    assert set(package["resources"][0]) == set(ResourceDict.__annotations__) | added


def test_a_key_of_the_publisher_never_hides_one_of_the_portal():
    resource = _rendered()["resources"][0]
    assert (resource["of_the_publisher"], resource["hash"]) == ("kept", "")


def test_every_field_of_the_province_is_declared():
    assert set(PackageDict.__annotations__) >= PROFILE_NAMES
