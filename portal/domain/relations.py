"""What ties things together: relationships of datasets, collaborators, followers, views
and vocabularies.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now

RELATIONSHIPS: tuple[tuple[str, str], ...] = (
    ("depends_on", "dependency_of"),
    ("derives_from", "has_derivation"),
    ("links_to", "linked_from"),
    ("child_of", "parent_of"),
)
"""CKAN's types of relationships: (kept, what the other side calls it)."""
FORWARD = {reverse: forward for forward, reverse in RELATIONSHIPS}
REVERSE = dict(RELATIONSHIPS)

COLLABORATOR_CAPACITIES = ("admin", "editor", "member")
VIEW_TYPES = (
    "datatables_view",
    "text_view",
    "image_view",
    "video_view",
    "audio_view",
    "pdf_view",
    "webpage_view",
    "geojson_view",
    "recline_view",
    "recline_grid_view",
    "recline_graph_view",
    "recline_map_view",
)
"""View types that clients may store; the portal keeps them for the pages and clients
that draw them.
"""


class Vocabulary(Base):
    """A closed list of tags."""

    __tablename__ = "vocabulary"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100), unique=True)


class Relationship(Base):
    """That one dataset is something to another; kept in the forward direction only."""

    __tablename__ = "package_relationship"
    __table_args__ = (UniqueConstraint("subject_id", "object_id", "type"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    subject_id: Mapped[str] = mapped_column(
        ForeignKey("package.id", ondelete="CASCADE")
    )
    object_id: Mapped[str] = mapped_column(
        ForeignKey("package.id", ondelete="CASCADE"), index=True
    )
    type: Mapped[str] = mapped_column(String(40))
    comment: Mapped[str] = mapped_column(Text, default="")


class Collaborator(Base):
    """A user's role in one dataset, beside the roles of its organization."""

    __tablename__ = "package_member"

    package_id: Mapped[str] = mapped_column(
        ForeignKey("package.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    capacity: Mapped[str] = mapped_column(String(20))
    modified: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(
        String(20), default="active", server_default="active"
    )


class Follower(Base):
    """That a user follows a user, a dataset, or a group or organization."""

    __tablename__ = "follower"
    __table_args__ = (Index("ix_follower_object", "object_type", "object_id"),)

    follower_id: Mapped[str] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    object_type: Mapped[str] = mapped_column(String(20), primary_key=True)
    object_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    datetime: Mapped[datetime] = mapped_column(default=now)


class ResourceView(Base):
    """How a resource may be shown: a view type and its configuration."""

    __tablename__ = "resource_view"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    resource_id: Mapped[str] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    view_type: Mapped[str] = mapped_column(String(40))
    order: Mapped[int] = mapped_column(default=0)
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
