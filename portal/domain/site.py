"""What the portal keeps about itself: options changed at run time, states of tasks,
translations of terms.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now

OPTIONS: tuple[str, ...] = (
    "ckan.site_title",
    "ckan.site_description",
    "ckan.site_about",
    "ckan.site_intro_text",
    "ckan.site_logo",
    "ckan.site_custom_css",
    "ckan.homepage_style",
    "ckan.theme",
)
"""The options that a sysadmin may change at run time, under CKAN's names."""


class ConfigOption(Base):
    """One option that was changed at run time."""

    __tablename__ = "config_option"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[str] = mapped_column(Text, default="")


class TaskStatus(Base):
    """What a task of an outside program last said of a thing, as loaders and harvesters
    note it.
    """

    __tablename__ = "task_status"
    __table_args__ = (UniqueConstraint("entity_id", "task_type", "key"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    entity_id: Mapped[str] = mapped_column(String(100))
    entity_type: Mapped[str] = mapped_column(String(100))
    task_type: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(100))
    value: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    last_updated: Mapped[datetime] = mapped_column(default=now)


class TermTranslation(Base):
    """One term in another language."""

    __tablename__ = "term_translation"

    term: Mapped[str] = mapped_column(String(500), primary_key=True)
    lang_code: Mapped[str] = mapped_column(String(10), primary_key=True)
    term_translation: Mapped[str] = mapped_column(Text)
