"""What the settings allow of the world outside: limits of the guarded client, secrets
with what they are bound to.
"""

from __future__ import annotations

from harvesters.http import HttpOptions
from harvesters.secrets import Secret, bind_secret
from portal.errors import SettingsError
from portal.settings import BINDING_SUFFIX, SECRET_PREFIX, Settings
from schemas.units import BYTES_PER_MB


def http_options(settings: Settings) -> HttpOptions:
    """The limits of the guarded client, from the settings."""
    return HttpOptions(
        allow=settings.harvest_allow,
        total_timeout=float(settings.harvest_timeout),
        max_bytes=settings.max_resource_size * BYTES_PER_MB,
        ca_bundle=settings.harvest_ca_file or None,
    )


def secrets_of(settings: Settings) -> dict[str, Secret]:
    """Every secret with what it is bound to. Raises SettingsError for a binding that
    cannot be read.
    """
    secrets: dict[str, Secret] = {}
    for name, value in settings.secrets.items():
        binding = settings.secret_bindings.get(name, "")
        try:
            secrets[name] = bind_secret(value, binding)
        except ValueError as error:
            raise SettingsError(
                f"{SECRET_PREFIX}{name}{BINDING_SUFFIX} {error}."
            ) from None
    return secrets
