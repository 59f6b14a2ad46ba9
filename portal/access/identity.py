"""Actor: who is asking, with the roles that the database gives them, and the labels
those roles open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. `organizations`, `groups` and `datasets` map ids to the actor's
    role there.

    `datasets` holds those that the actor collaborates on beyond the roles in their
    organizations. `invitation` is the id of the account that a bearer of an invitation
    (or of a key that resets its password), who is nobody otherwise, may open.
    """

    user_id: str | None = None
    name: str = ""
    sysadmin: bool = False
    organizations: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    datasets: Mapping[str, str] = field(default_factory=dict)
    invitation: str | None = None

    @property
    def anonymous(self) -> bool:
        """Whether nobody is known to ask."""
        return self.user_id is None

    def role_in(self, group_id: str | None) -> str | None:
        """The actor's role in an organization or group, None without one."""
        if group_id is None:
            return None
        return self.organizations.get(group_id) or self.groups.get(group_id)


ANONYMOUS = Actor()
SYSTEM = Actor(name="portal", sysadmin=True)
"""The portal itself, at work for nobody: harvest jobs, sweeps, the command line."""
