"""Parameters of the actions about relationships, collaborators, followers, activities,
views and vocabularies.
"""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, INCLUDE, Schema, ValidationError, fields, validates

from schemas.datasets import tag_errors
from schemas.lists import Objects, Words, one_word
from schemas.people import REQUIRED
from schemas.values import MISSING, Flag, Integer, Seconds, Text

ACTIVITIES, MOST_ACTIVITIES = 31, 100


class RelationshipParams(Schema):
    """Parameters of package_relationship_create, _update and _delete."""

    subject = Text(
        required=True,
        error_messages=REQUIRED,
        metadata={"help": "id or name of a dataset"},
    )
    object = Text(
        required=True,
        error_messages=REQUIRED,
        metadata={"help": "id or name of another dataset"},
    )
    type = Text(
        required=True,
        error_messages=REQUIRED,
        metadata={"help": "depends_on, child_of, links_to, …"},
    )
    comment = Text(load_default=None, allow_none=True)


class RelationshipList(Schema):
    """Parameters of package_relationships_list."""

    id = Text(required=True, error_messages=REQUIRED)
    id2 = Text(
        load_default=None,
        allow_none=True,
        metadata={"help": "only relationships with this dataset"},
    )
    rel = Text(load_default=None, allow_none=True, metadata={"help": "only this type"})


class CollaboratorParams(Schema):
    """Parameters of package_collaborator_create and _delete."""

    id = Text(required=True, error_messages=REQUIRED)
    user_id = Text(required=True, error_messages=REQUIRED)
    capacity = Text(
        load_default=None, allow_none=True, metadata={"help": "admin, editor or member"}
    )


class CollaboratorList(Schema):
    """Parameters of package_collaborator_list and its sibling for users."""

    id = Text(required=True, error_messages=REQUIRED)
    capacity = Text(load_default=None, allow_none=True)


class BulkParams(Schema):
    """Parameters of bulk_update_private, _public and _delete."""

    datasets = fields.List(
        Text(),
        required=True,
        error_messages={"required": MISSING, "null": MISSING, "invalid": "Not a list"},
    )
    org_id = Text(required=True, error_messages=REQUIRED)


class OwnerParams(Schema):
    """Parameters of package_owner_org_update."""

    id = Text(required=True, error_messages=REQUIRED)
    organization_id = Text(load_default=None, allow_none=True)


class FollowList(Schema):
    """Parameters of the lists and counts of what a user follows."""

    id = Text(required=True, error_messages=REQUIRED)
    q = Text(load_default=None, allow_none=True)


class ActivityList(Schema):
    """Parameters of the activity lists; `after` and `before` are seconds since 1970,
    UTC.
    """

    id = Text(load_default=None, allow_none=True)
    limit = Integer(load_default=ACTIVITIES, allow_none=True)
    offset = Integer(load_default=0, allow_none=True)
    after = Seconds(load_default=None, allow_none=True)
    before = Seconds(load_default=None, allow_none=True)
    activity_types = fields.Raw(load_default=None, allow_none=True)
    exclude_activity_types = fields.Raw(load_default=None, allow_none=True)
    include_hidden_activity = Flag(load_default=False)


class ActivityShow(Schema):
    """Parameters of activity_show, activity_data_show and activity_diff."""

    id = Text(required=True, error_messages=REQUIRED)
    include_data = Flag(load_default=True)
    object_type = Text(load_default="package", allow_none=True)
    diff_type = Text(load_default="unified", allow_none=True)


class ActivityCreate(Schema):
    """Parameters of activity_create."""

    user_id = Text(required=True, error_messages=REQUIRED)
    object_id = Text(required=True, error_messages=REQUIRED)
    activity_type = Text(required=True, error_messages=REQUIRED)
    data = fields.Dict(load_default=dict)


class ViewParams(Schema):
    """A view of a resource; keys beside CKAN's own are its configuration."""

    class Meta:
        unknown = INCLUDE

    id = Text(allow_none=True)
    resource_id = Text(allow_none=True)
    title = Text(load_default="", allow_none=True)
    description = Text(load_default="", allow_none=True)
    view_type = Text(allow_none=True)


class ViewOrder(Schema):
    """Parameters of resource_view_reorder."""

    id = Text(required=True, error_messages=REQUIRED)
    order = fields.List(
        Text(),
        required=True,
        error_messages=dict.fromkeys(
            ("required", "null", "invalid"),
            "Must be a list of ids of views of this resource, each once",
        ),
        metadata={"help": "ids, those that come first"},
    )


class ViewTypes(Schema):
    """Parameters of resource_view_clear."""

    view_types = Words(load_default=list, metadata={"help": "all unless given"})


class ViewsOfResource(Schema):
    """Parameters of resource_create_default_resource_views."""

    resource_id = Text(load_default=None, allow_none=True)
    resource = fields.Raw(
        load_default=None,
        allow_none=True,
        metadata={"help": "a whole resource, as older clients send it"},
    )


class ViewsOfPackage(Schema):
    """Parameters of package_create_default_resource_views."""

    id = Text(load_default=None, allow_none=True)
    package = fields.Raw(
        load_default=None,
        allow_none=True,
        metadata={"help": "a whole dataset, as older clients send it"},
    )
    create_datastore_views = Flag(
        load_default=False,
        allow_none=True,
        metadata={"help": "only for resources with rows"},
    )


class VocabularyParams(Schema):
    """A vocabulary with its tags."""

    class Meta:
        unknown = EXCLUDE

    id = Text(allow_none=True)
    name = Text(required=True, error_messages=REQUIRED)
    tags = fields.List(
        fields.Dict(),
        required=True,
        error_messages={**REQUIRED, "invalid": "Not a list"},
    )

    @validates("name")
    def check_name(self, value: str, data_key: str) -> None:
        """Long enough, not too long."""
        if not 2 <= len(value or "") <= 100:
            raise ValidationError("Must be from 2 to 100 characters long")

    @validates("tags")
    def check_tags(self, value: list[dict[str, Any]], data_key: str) -> None:
        """CKAN's rules of tags."""
        if messages := tag_errors([str(tag.get("name") or "") for tag in value]):
            raise ValidationError(messages)


class TagParams(Schema):
    """Parameters of tag_create and tag_delete."""

    id = Text(allow_none=True)
    name = Text(allow_none=True)
    vocabulary_id = Text(load_default=None, allow_none=True)


class TaskParams(Schema):
    """What a task says of a thing."""

    class Meta:
        unknown = EXCLUDE

    id = Text(allow_none=True)
    entity_id = Text(required=True, error_messages=REQUIRED)
    entity_type = Text(required=True, error_messages=REQUIRED)
    task_type = Text(required=True, error_messages=REQUIRED)
    key = Text(required=True, error_messages=REQUIRED)
    value = Text(load_default="", allow_none=True)
    state = Text(load_default=None, allow_none=True)
    error = Text(load_default=None, allow_none=True)


class TaskShow(Schema):
    """Parameters of task_status_show: the id, or all of the other three."""

    id = Text(load_default=None, allow_none=True)
    entity_id = Text(load_default=None, allow_none=True)
    task_type = Text(load_default=None, allow_none=True)
    key = Text(load_default=None, allow_none=True)


class TermParams(Schema):
    """One translated term."""

    class Meta:
        unknown = EXCLUDE

    term = Text(required=True, error_messages=REQUIRED)
    term_translation = Text(required=True, error_messages=REQUIRED)
    lang_code = Text(required=True, error_messages=REQUIRED)


class ManyRows(Schema):
    """Parameters of task_status_update_many and term_translation_update_many."""

    data = Objects(required=True)


class TermList(Schema):
    """Parameters of term_translation_show."""

    terms = Words(
        required=True,
        otherwise=one_word,
        error_messages={"required": MISSING},
        metadata={"help": "a text, or a list of them"},
    )
    lang_codes = Words(
        load_default=list, otherwise=one_word, metadata={"help": "all unless given"}
    )

    @validates("terms")
    def check_terms(self, value: list[str], data_key: str) -> None:
        """One at least."""
        if not value:
            raise ValidationError(MISSING)


class OptionShow(Schema):
    """Parameters of config_option_show."""

    key = Text(required=True, error_messages=REQUIRED)

    @validates("key")
    def check_key(self, value: str, data_key: str) -> None:
        """Something has to be asked for."""
        if not value:
            raise ValidationError(MISSING)
