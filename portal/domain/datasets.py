"""Dataset and Resource: what is kept of a record, and the rules that make one from
it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.domain.base import Base, new_id, now
from schemas import mediatypes
from schemas.record import DatasetRecord, ResourceRecord
from schemas.vocabularies import CITIZEN_ID, PERSONAL_COLUMN, PERSONAL_DATA, format_name

CORE_FIELDS = (
    "name",
    "title",
    "notes",
    "url",
    "version",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "license_id",
    "private",
    "type",
)
"""Fields that a record gives and a dataset keeps under the same name."""


class Tag(Base):
    """A free tag, or a tag of a vocabulary."""

    __tablename__ = "tag"
    __table_args__ = (UniqueConstraint("name", "vocabulary_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100), index=True)
    vocabulary_id: Mapped[str | None] = mapped_column(String(36))


class DatasetTag(Base):
    """That a dataset carries a tag."""

    __tablename__ = "package_tag"

    package_id: Mapped[str] = mapped_column(
        ForeignKey("package.id", ondelete="CASCADE"), primary_key=True
    )
    tag_id: Mapped[str] = mapped_column(
        ForeignKey("tag.id"), primary_key=True, index=True
    )


PUSHED = "datapusher"
"""The url_type of a link whose rows a DataPusher outside the portal writes; our own
loader leaves those alone.
"""


OPEN, WAITING, HELD = "open", "waiting", "held"
"""Whether those who may not edit a dataset meet a file or rows: looked at, not yet
looked at, refused or unread.
"""


CONTROLLED = frozenset({"shared", "restricted"})
"""Access kinds whose files and rows are not for everybody."""


class Resource(Base):
    """A resource: a link, an uploaded file, or a table whose current version answers
    row queries.

    `file_access` and `rows_access` say whether its file and its rows were looked at as
    they are now. They fall back to WAITING by themselves when the content changes, or
    anything by which it was judged.
    """

    __tablename__ = "resource"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    package_id: Mapped[str] = mapped_column(
        ForeignKey("package.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int] = mapped_column(default=0)
    name: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text, default="")
    url_type: Mapped[str | None] = mapped_column(String(40))
    description: Mapped[str | None] = mapped_column(Text)
    format: Mapped[str] = mapped_column(String(200), default="")
    hash: Mapped[str] = mapped_column(String(200), default="")
    mimetype: Mapped[str | None] = mapped_column(String(200))
    size: Mapped[int | None] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(default=now)
    last_modified: Mapped[datetime | None]
    metadata_modified: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(String(20), default="active")
    extras: Mapped[dict[str, Any]] = mapped_column(default=dict)
    table_schema: Mapped[dict[str, Any]] = mapped_column(default=dict)
    schema_name: Mapped[str | None] = mapped_column(String(200))
    file_key: Mapped[str | None] = mapped_column(String(64), index=True)
    file_name: Mapped[str | None] = mapped_column(String(200))
    version_id: Mapped[str | None] = mapped_column(String(36))
    file_access: Mapped[str] = mapped_column(
        String(10), default=WAITING, server_default=WAITING
    )
    rows_access: Mapped[str] = mapped_column(
        String(10), default=WAITING, server_default=WAITING
    )
    validation_status: Mapped[str | None] = mapped_column(String(20))
    validation_report_id: Mapped[str | None] = mapped_column(String(36))
    validation_timestamp: Mapped[datetime | None]

    @validates(
        "file_key", "version_id", "format", "name", "schema_name", "table_schema"
    )
    def _wait_anew(self, key: str, value: Any) -> Any:
        """Close what a change makes doubtful until it is looked at again, whoever makes
        the change.
        """
        if value != getattr(self, key):
            if key != "version_id":
                self.file_access = WAITING
            if key != "file_key":
                self.rows_access = WAITING
        return value

    @property
    def basis(self) -> tuple[Any, ...]:
        """What a verdict on the file holds for: another content, or another way to read
        it, is judged anew.
        """
        return (
            self.file_key,
            self.url,
            self.format,
            self.name,
            self.schema_name,
            self.table_schema,
        )

    @property
    def waits(self) -> bool:
        """Whether its file or its rows are to be looked at before anybody but an editor
        meets them.
        """
        return WAITING in (
            (self.file_access if self.file_key else ""),
            (self.rows_access if self.version_id else ""),
        )

    @property
    def access(self) -> str | None:
        """The state of what it serves: its file, else its rows; None for a link that
        nothing was found against.

        What a link leads to lies with others: it is closed only once what was loaded of
        it was refused.
        """
        if self.file_key:
            return self.file_access
        if self.url_type in ("harvest", "datastore"):
            return self.rows_access if self.version_id else None
        return HELD if self.rows_access == HELD else None

    def describe(self, record: ResourceRecord) -> None:
        """Take over what the record says; a stored file or table stays as it is."""
        self.name = record.name or None
        self.url = record.url if self.url_type in (None, "", PUSHED) else self.url
        self.description = record.description or None
        self.format = format_name(record.format, record.url)
        self.mimetype = mediatypes.valid(record.mimetype) or self.mimetype
        self.hash = record.hash or self.hash
        self.size = record.size if record.size is not None else self.size
        self.extras = dict(record.extras)
        self.schema_name, self.table_schema = (
            record.schema_name,
            dict(record.schema or {}),
        )

    @property
    def datastore_active(self) -> bool:
        """Whether the resource's rows can be asked for."""
        return self.version_id is not None


class Dataset(Base):
    """A dataset (CKAN package): metadata, ordered resources, and its rendered package
    dict.
    """

    __tablename__ = "package"
    __table_args__ = (
        Index("ix_package_public", "state", "private", "name"),
        Index("ix_package_recent", "state", "private", "metadata_modified", "id"),
        Index("ix_package_owner", "owner_org", "state", "private"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(Text, default="")
    notes: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    version: Mapped[str | None] = mapped_column(String(100))
    author: Mapped[str | None] = mapped_column(Text)
    author_email: Mapped[str | None] = mapped_column(Text)
    maintainer: Mapped[str | None] = mapped_column(Text)
    maintainer_email: Mapped[str | None] = mapped_column(Text)
    license_id: Mapped[str | None] = mapped_column(String(100))
    owner_org: Mapped[str | None] = mapped_column(ForeignKey("group.id"))
    private: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="active")
    type: Mapped[str] = mapped_column(String(100), default="dataset")
    creator_user_id: Mapped[str | None] = mapped_column(String(36), index=True)
    metadata_created: Mapped[datetime] = mapped_column(default=now)
    metadata_modified: Mapped[datetime] = mapped_column(default=now)
    extras: Mapped[dict[str, str]] = mapped_column(default=dict)
    profile: Mapped[dict[str, Any]] = mapped_column(default=dict)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    rendered: Mapped[bytes] = mapped_column(LargeBinary, default=b"{}")

    all_resources: Mapped[list[Resource]] = relationship(
        order_by=Resource.position, cascade="all, delete-orphan"
    )
    tags: Mapped[list[Tag]] = relationship(secondary="package_tag", order_by=Tag.name)

    @property
    def is_public(self) -> bool:
        """Whether everybody may read the dataset."""
        return self.state == "active" and not self.private

    @property
    def access_kind(self) -> str:
        """Who is meant to have its files and rows: open, shared or restricted."""
        return str(self.profile.get("access_kind") or "open")

    @property
    def is_open(self) -> bool:
        """Whether the dataset is, or says of itself that it is, for everybody: it must
        not hold personal data.
        """
        return not self.private or self.profile.get("access_kind") == "open"

    @property
    def resources(self) -> list[Resource]:
        """The resources that are not deleted, in order."""
        return [
            resource for resource in self.all_resources if resource.state == "active"
        ]

    def describe(self, record: DatasetRecord) -> None:
        """Take over everything that the record says: the only bridge into a dataset.

        Resources keep their identity: a record's resource is matched by id, then by
        name, then by url; those that the record no longer names are deleted. Tags,
        owner and groups need the database and are set by their callers.
        """
        for name in CORE_FIELDS:
            setattr(self, name, getattr(record, name))
        self.notes = record.notes or None
        self.state = record.state
        self.extras = dict(record.extras)
        self.profile = {
            key: value
            for key, value in record.profile.items()
            if value not in (None, "", {})
        }
        self._describe_resources(record.resources)

    def _describe_resources(self, records: Iterable[ResourceRecord]) -> None:
        free = _Free(self.all_resources)
        kept: list[Resource] = []
        for position, record in enumerate(records):
            resource = free.take(record) or Resource(
                id=record.id or new_id(), state="active"
            )
            resource.describe(record)
            resource.position, resource.state = position, "active"
            kept.append(resource)
        gone = free.rest()
        for resource in gone:
            resource.state = "deleted"
        self.all_resources = kept + gone

    def find_resource(self, resource_id: str) -> Resource | None:
        """The live resource with that id, or None."""
        named = (
            resource for resource in self.all_resources if resource.id == resource_id
        )
        return next(
            (resource for resource in named if resource.state == "active"), None
        )

    def touch(self, moment: datetime) -> None:
        """Note that the dataset changed: a new revision, a later modification time.

        Revisions follow the clock, so that a dataset made again under a purged one's id
        is newer than it.
        """
        self.revision = max((self.revision or 0) + 1, int(now().timestamp() * 1000))
        self.metadata_modified = moment


class _Free:
    """The resources of a dataset that no record of its new description was matched with
    yet.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._left = {resource.id: resource for resource in resources}
        self._named: dict[str, list[str]] = {}
        self._at: dict[str, list[str]] = {}
        # The first one is taken from the end of a list.
        for resource in reversed(self._left.values()):
            if resource.state == "active":
                self._named.setdefault(resource.name or "", []).append(resource.id)
                self._at.setdefault(resource.url, []).append(resource.id)

    def take(self, record: ResourceRecord) -> Resource | None:
        """The resource that a record means: by its id; without one, the first live one
        of its name, else address.
        """
        if record.id:
            return self._left.pop(record.id, None)
        return self._first(self._named, record.name) or self._first(
            self._at, record.url
        )

    def rest(self) -> list[Resource]:
        """Those that no record meant."""
        return list(self._left.values())

    def _first(self, ids: dict[str, list[str]], key: str) -> Resource | None:
        listed = ids.get(key, []) if key else []
        while listed:
            found = self._left.pop(listed.pop(), None)
            if found is not None:
                return found
        return None


class ShownDataset(NamedTuple):
    """A dataset as reads need it: its package dict, and what decides who may read
    it.
    """

    id: str
    state: str
    private: bool
    owner_org: str | None
    creator_user_id: str | None
    rendered: bytes

    @property
    def is_public(self) -> bool:
        """Whether everybody may read the dataset."""
        return self.state == "active" and not self.private


class ShownTable(NamedTuple):
    """A table as row queries need it: its resource, its current version, and what
    decides who may read it.
    """

    id: str
    state: str
    private: bool
    owner_org: str | None
    creator_user_id: str | None
    resource_id: str
    version_id: str | None
    rows_access: str
    access_kind: str

    @property
    def is_public(self) -> bool:
        """Whether everybody may read the dataset."""
        return self.state == "active" and not self.private


class TableVersion(Base):
    """One immutable version of a resource's rows; `manifest` names the parts that hold
    them.
    """

    __tablename__ = "table_version"
    __table_args__ = (UniqueConstraint("resource_id", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    resource_id: Mapped[str] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), index=True
    )
    number: Mapped[int]
    created: Mapped[datetime] = mapped_column(default=now)
    fingerprint: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int] = mapped_column(BigInteger)
    manifest: Mapped[dict[str, Any]]
    report_id: Mapped[str | None] = mapped_column(String(36))
    access: Mapped[str] = mapped_column(
        String(10), default=WAITING, server_default=WAITING
    )


CREATED, RUNNING, SUCCESS, FAILURE, ERROR = (
    "created",
    "running",
    "success",
    "failure",
    "error",
)
"""ckanext-validation's names for how far a validation is, and for its verdict."""


NONE_RELEASED: Mapping[str, Collection[str]] = MappingProxyType({})


class ValidationReport(Base):
    """What validation said of one resource or one dataset at one time; a run that is
    not done yet has an empty body.

    `file_key` names the file that was looked at, `version_id` the rows that were
    published because of it, `error` says why there is no verdict.
    """

    __tablename__ = "validation_report"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    package_id: Mapped[str | None] = mapped_column(String(36), index=True)
    resource_id: Mapped[str | None] = mapped_column(String(36), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    status: Mapped[str] = mapped_column(String(20))
    body: Mapped[dict[str, Any]]
    finished: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[str | None] = mapped_column(String(36))
    file_key: Mapped[str | None] = mapped_column(String(64))
    version_id: Mapped[str | None] = mapped_column(String(36))

    @property
    def finds_persons(self) -> bool:
        """Whether the report names personal data that nobody outside may read, and that
        nobody let pass.
        """
        if "persons" in self.body:
            return bool(self.body["persons"])
        return bool(self.personal_columns())

    def contents(self) -> list[str]:
        """The hashes of all that the report of a record looked at: each resource whole,
        and each of its files.
        """
        told = (each.get("content") or {} for each in self.body.get("resources", ()))
        return sorted(
            {
                key
                for each in told
                for key in (each.get("whole"), *each.get("parts", ()))
                if key
            }
        )

    def personal_columns(
        self,
        verdicts: Collection[str] = ("error", "hold"),
        released: Mapping[str, Collection[str]] = NONE_RELEASED,
    ) -> list[str]:
        """The columns in which the report found personal data with one of these
        verdicts; "" where it is no table.

        Of a record, those that are `released` (columns by the hash of a resource or
        file) are left out.
        """
        found = {
            _column(each)
            for each in self.body.get("report", {}).get("findings", ())
            if _verdict(each) in verdicts
        }
        for resource in self.body.get("resources", ()):
            findings = resource["report"].get("findings", ())
            passed = _released(resource.get("content") or {}, released)
            found |= {
                _column(each) for each in findings if _verdict(each) in verdicts
            } - passed
        return sorted(found)


def _released(
    content: Mapping[str, Any], released: Mapping[str, Collection[str]]
) -> frozenset[str]:
    """The columns that are released of a resource: of just this one, or of each of its
    files.
    """
    parts = [frozenset(released.get(key, ())) for key in content.get("parts", ())]
    of_each = frozenset.intersection(*parts) if parts else frozenset()
    return of_each | frozenset(released.get(content.get("whole", ""), ()))


def _column(finding: Mapping[str, Any]) -> str:
    return str(finding["field"] or "")


def _verdict(finding: Mapping[str, Any]) -> str:
    """The verdict of a finding that is kept; before verdicts were kept, the check and
    the kind said it.
    """
    tagged = finding["check"] == PERSONAL_COLUMN
    numbered = finding["check"] == PERSONAL_DATA and finding["note"] == CITIZEN_ID
    return str(finding.get("verdict") or ("error" if tagged or numbered else ""))
