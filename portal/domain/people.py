"""Users, their tokens, organizations and groups, and who belongs to what."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now

ORGANIZATION = "organization"
GROUP = "group"
ACTIVE, PENDING, INVITED = "active", "pending", "invited"
"""States: of what counts, of a role that is offered, and of an account that its person
has not opened yet.
"""
IDENTIFIER, FORMER_NAME = "identifier", "former-name"
"""Kinds of aliases."""


class User(Base):
    """A person or a program with a name; `password_hash` is a salted scrypt hash or
    None (token only).
    """

    __tablename__ = "user"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    fullname: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254), unique=True)
    about: Mapped[str | None] = mapped_column(Text)
    image_url: Mapped[str | None] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(String(300))
    sysadmin: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="active")
    created: Mapped[datetime] = mapped_column(default=now)
    last_active: Mapped[datetime | None]

    def set_email(self, email: str | None) -> None:
        """Keep the address as written, and a folded key that makes it unique whatever
        its case.
        """
        self.email = email
        self.email_key = email.lower() if email and self.state == "active" else None


class ApiToken(Base):
    """An API token; only a hash of it is kept."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_access: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    def expired(self, moment: datetime) -> bool:
        """Whether the token no longer opens anything at `moment`."""
        return self.expires_at is not None and self.expires_at <= moment


class Group(Base):
    """An organization or a group: one table, as in CKAN, told apart by
    `is_organization`.
    """

    __tablename__ = "group"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(String(300), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    image_url: Mapped[str] = mapped_column(Text, default="")
    type: Mapped[str] = mapped_column(String(100), default=GROUP)
    is_organization: Mapped[bool] = mapped_column(default=False, index=True)
    approval_status: Mapped[str] = mapped_column(String(20), default="approved")
    state: Mapped[str] = mapped_column(String(20), default="active")
    created: Mapped[datetime] = mapped_column(default=now)
    extras: Mapped[dict[str, str]] = mapped_column(default=dict)
    profile: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def display_name(self) -> str:
        """Title, or the name where there is none."""
        return self.title or self.name

    def agrees_to_open(self, today: date | None = None) -> bool:
        """Whether a provider agreement is in force, so that the organization's data may
        be open.
        """
        agreement = self.profile.get("provider_agreement") or {}
        until = agreement.get("valid_until")
        return bool(agreement) and (
            not until or until >= (today or now().date()).isoformat()
        )


class Member(Base):
    """A user's role in an organization or group, or a dataset's place in a group."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("group_id", "table_name", "table_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    group_id: Mapped[str] = mapped_column(ForeignKey("group.id"), index=True)
    table_name: Mapped[str] = mapped_column(String(20))
    table_id: Mapped[str] = mapped_column(String(36), index=True)
    capacity: Mapped[str] = mapped_column(String(20), default="public")
    state: Mapped[str] = mapped_column(String(20), default="active")


class GroupAlias(Base):
    """Another name under which an organization is found: an identifier, or the name of
    a body that it succeeded.
    """

    __tablename__ = "group_alias"

    group_id: Mapped[str] = mapped_column(
        ForeignKey("group.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    text: Mapped[str] = mapped_column(String(300), primary_key=True, index=True)
