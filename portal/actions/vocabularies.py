"""Vocabularies (closed lists of tags) and the tags in them: list, show, create, update,
delete.
"""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import vocabularies as db
from portal.domain.base import new_id
from portal.domain.datasets import Tag
from portal.domain.events import RENDER
from portal.domain.relations import Vocabulary
from portal.domain.rendering import tag_dict
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import ById, tag_errors
from schemas.package_dict import TagDict
from schemas.social import TagParams, VocabularyParams
from schemas.values import MISSING


@action(allow=Permission.ANYONE, safe=True)
def vocabulary_list(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return all vocabularies with their tags."""
    return [
        _describe(ctx, vocabulary)
        for vocabulary in db.list_vocabularies(ctx.uow.session)
    ]


@action(ById, allow=Permission.ANYONE, safe=True)
def vocabulary_show(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return the vocabulary `id` (its id or name) with its tags."""
    return _describe(ctx, db.get(ctx.uow.session, params["id"]))


@action(VocabularyParams, allow=Permission.SYSADMIN)
def vocabulary_create(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Create a vocabulary from `name` and `tags` ([{"name": …}]) and return it."""
    if db.find(ctx.uow.session, params["name"]):
        raise Invalid({"name": ["That vocabulary name is already in use."]})
    vocabulary = Vocabulary(id=new_id(), name=params["name"])
    ctx.uow.session.add(vocabulary)
    _set_tags(ctx, vocabulary, params["tags"])
    return _describe(ctx, vocabulary)


def held_by_id(ctx: Context, params: Params) -> Vocabulary:
    """The vocabulary of `id`, held with its tags: no dataset gets one of them
    meanwhile.
    """
    if not params.get("id"):
        raise Invalid({"id": [MISSING]})
    return db.held_vocabulary(ctx.uow.session, params["id"])


@action(VocabularyParams, allow=Permission.SYSADMIN, on=held_by_id)
def vocabulary_update(
    ctx: Context, vocabulary: Vocabulary, params: Params
) -> dict[str, Any]:
    """Rename the vocabulary `id`, and give it exactly these `tags`; one that a dataset
    carries cannot be dropped.
    """
    holder = db.find(ctx.uow.session, params["name"])
    if holder is not None and holder.id != vocabulary.id:
        raise Invalid({"name": ["That vocabulary name is already in use."]})
    if vocabulary.name != params["name"]:
        vocabulary.name = params["name"]
        ctx.uow.later_for_each(RENDER, db.packages_of(ctx.uow.session, vocabulary.id))
    _set_tags(ctx, vocabulary, params["tags"])
    return _describe(ctx, vocabulary)


@action(ById, allow=Permission.SYSADMIN, on=held_by_id)
def vocabulary_delete(ctx: Context, vocabulary: Vocabulary, params: Params) -> None:
    """Delete the vocabulary `id`; one with tags is refused, as in CKAN."""
    if db.tags_of(ctx.uow.session, vocabulary.id):
        raise Invalid(
            "Cannot delete a vocabulary while it still has tags: delete those first"
        )
    ctx.uow.session.delete(vocabulary)


@action(TagParams, allow=Permission.SYSADMIN)
def tag_create(ctx: Context, target: object, params: Params) -> TagDict:
    """Add the tag `name` to the vocabulary `vocabulary_id` and return it; free tags
    arise on datasets.
    """
    if not params["vocabulary_id"]:
        raise Invalid({"vocabulary_id": [MISSING]})
    name = params.get("name") or ""
    if messages := tag_errors([name]):
        raise Invalid({"name": messages})
    vocabulary = db.get(ctx.uow.session, params["vocabulary_id"])
    if db.find_tag(ctx.uow.session, name, vocabulary.id):
        raise Invalid({"name": ["This tag exists in the vocabulary already"]})
    tag = Tag(id=new_id(), name=name, vocabulary_id=vocabulary.id)
    ctx.uow.session.add(tag)
    return tag_dict(tag)


@action(TagParams, allow=Permission.SYSADMIN)
def tag_delete(ctx: Context, target: object, params: Params) -> None:
    """Delete the tag `id` (its id or name) of the vocabulary `vocabulary_id`, or a free
    one, from every dataset.
    """
    if not params.get("id"):
        raise Invalid({"id": [MISSING]})
    vocabulary = (
        db.get(ctx.uow.session, params["vocabulary_id"])
        if params["vocabulary_id"]
        else None
    )
    tag = db.find_tag(
        ctx.uow.session, params["id"], vocabulary.id if vocabulary else None
    )
    if tag is None:
        raise NotFound(f'Not found: Could not find tag "{params["id"]}"')
    # Datasets are only rendered anew: losing a tag is not their publishers' change, so
    # there is no activity and no new time.
    ctx.uow.later_for_each(RENDER, db.delete_tag(ctx.uow.session, tag))


def _describe(ctx: Context, vocabulary: Vocabulary) -> dict[str, Any]:
    """The vocabulary as CKAN shows it, with its tags."""
    # Tags that this call added or dropped have to be there for the query; a read has
    # none.
    if ctx.uow.write:
        ctx.uow.session.flush()
    tags = [tag_dict(tag) for tag in db.tags_of(ctx.uow.session, vocabulary.id)]
    return {"id": vocabulary.id, "name": vocabulary.name, "tags": tags}


def _set_tags(
    ctx: Context, vocabulary: Vocabulary, wanted: list[dict[str, Any]]
) -> None:
    """Give a vocabulary exactly these tags; raises Invalid if one in use would go."""
    names = {str(tag["name"]) for tag in wanted}
    held = {tag.name: tag for tag in db.tags_of(ctx.uow.session, vocabulary.id)}
    used = sorted(
        name
        for name, tag in held.items()
        if name not in names and db.in_use(ctx.uow.session, tag.id)
    )
    if used:
        raise Invalid(
            {"tags": [f'Tag "{name}" is in use and cannot be dropped' for name in used]}
        )
    for name, tag in held.items():
        if name not in names:
            ctx.uow.session.delete(tag)
    ctx.uow.session.add_all(
        Tag(id=new_id(), name=name, vocabulary_id=vocabulary.id)
        for name in names - held.keys()
    )
