"""Questions about what the portal keeps of itself: options, states of tasks,
translations.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.site import ConfigOption, TaskStatus, TermTranslation


def options(session: Session) -> dict[str, str]:
    """Every option that was changed at run time."""
    return {
        option.key: option.value for option in session.scalars(select(ConfigOption))
    }


def set_option(session: Session, key: str, value: str) -> None:
    """Change an option."""
    session.merge(ConfigOption(key=key, value=value))


def find_task(
    session: Session, entity_id: str, task_type: str, key: str
) -> TaskStatus | None:
    """The last word about a task of a thing."""
    return session.scalars(
        select(TaskStatus).where(
            TaskStatus.entity_id == entity_id,
            TaskStatus.task_type == task_type,
            TaskStatus.key == key,
        )
    ).first()


def values(session: Session, entity_id: str, task_type: str) -> dict[str, str]:
    """By their keys: what was last noted of the tasks of one type of a thing."""
    query = select(TaskStatus.key, TaskStatus.value)
    found = session.execute(
        query.where(
            TaskStatus.entity_id == entity_id, TaskStatus.task_type == task_type
        )
    )
    return {row[0]: row[1] for row in found}


def list_translations(
    session: Session, terms: Sequence[str], languages: Sequence[str]
) -> Sequence[TermTranslation]:
    """Translations of terms, in some languages or in all."""
    query = select(TermTranslation).where(TermTranslation.term.in_(list(terms)))
    if languages:
        query = query.where(TermTranslation.lang_code.in_(list(languages)))
    return session.scalars(
        query.order_by(TermTranslation.term, TermTranslation.lang_code)
    ).all()
