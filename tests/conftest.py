"""What all tests share: property tests are not judged by how busy the machine is, and
reports of tests hold no log.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from portal.web import observed

settings.register_profile(
    "portal", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("portal")


@pytest.fixture(autouse=True, scope="session")
def _no_access_log_in_reports() -> Iterator[None]:
    """Lines of the access log come a moment late: on stderr they would stand amid the
    output of another test.
    """
    before, observed.STDERR = observed.STDERR, os.open(os.devnull, os.O_WRONLY)
    yield
    os.close(observed.STDERR)
    observed.STDERR = before
