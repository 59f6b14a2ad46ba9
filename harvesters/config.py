"""What the configurations of all kinds of source share: dataset metadata, resources,
and clear errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from schemas.record import DatasetRecord, ResourceRecord
from schemas.vocabularies import LICENCE_BY_ID, PROFILE_NAMES


class ConfigError(ValueError):
    """A configuration that its kind does not understand; `errors` maps each key to its
    messages.
    """

    def __init__(self, errors: Mapping[str, Any]) -> None:
        super().__init__("; ".join(f"{key}: {value}" for key, value in errors.items()))
        self.errors = dict(errors)


class Config(Schema):
    """Base of every configuration: a key that is not declared is an error."""

    # A misspelt key that was passed over would be a setting that silently does nothing.

    class Meta:
        unknown = RAISE


class DatasetConfig(Config):
    """Metadata of a dataset that its source does not describe."""

    name = fields.String(required=True, metadata={"help": "name (URL) of the dataset"})
    title = fields.String(load_default="")
    notes = fields.String(load_default="")
    license_id = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(list(LICENCE_BY_ID))
    )
    author = fields.String(load_default=None, allow_none=True)
    author_email = fields.String(load_default=None, allow_none=True)
    maintainer = fields.String(load_default=None, allow_none=True)
    maintainer_email = fields.String(load_default=None, allow_none=True)
    url = fields.String(load_default=None, allow_none=True)
    version = fields.String(load_default=None, allow_none=True)
    private = fields.Boolean(load_default=False)
    tags = fields.List(fields.String(), load_default=list)
    groups = fields.List(fields.String(), load_default=list)
    extras = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=dict
    )
    profile = fields.Dict(
        keys=fields.String(validate=validate.OneOf(sorted(PROFILE_NAMES))),
        values=fields.Raw(),
        load_default=dict,
    )


def load_config(schema: Schema, config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration, checked. Raises ConfigError that names the keys there are when
    one is unknown.
    """
    try:
        loaded: dict[str, Any] = schema.load(dict(config))
    except ValidationError as error:
        errors = dict(error.messages_dict)
        # Most unknown keys are misspelt: whoever reads this needs the right spellings.
        keys = ", ".join(sorted(schema.fields))
        for key, messages in errors.items():
            if messages == ["Unknown field."]:
                errors[key] = [f"Unknown key; there are {keys}."]
        raise ConfigError(errors) from None
    return loaded


def dataset_record(
    described: Mapping[str, Any], resources: tuple[ResourceRecord, ...]
) -> DatasetRecord:
    """A dataset as its configuration describes it."""
    lists = ("tags", "groups")
    texts = {key: value for key, value in described.items() if key not in lists}
    return DatasetRecord(
        **texts,
        tags=tuple(described["tags"]),
        groups=tuple(described["groups"]),
        resources=resources,
    )
