"""The role matrix: actors as the database makes them against datasets of every kind;
three renderings and one table.
"""

import itertools

import pytest
from sqlalchemy import select

from portal.access import policy
from portal.access.accounts import actor_of
from portal.access.identity import ANONYMOUS, Actor
from portal.db import collaborators
from portal.domain.datasets import Dataset
from portal.domain.people import Group, Member, User
from portal.runtime import Portal

ORG_ROLES = ("admin", "editor", "member")
GROUP_ROLES = ("admin", "member")
WHO = (
    "sysadmin",
    *(f"org-{role}" for role in ORG_ROLES),
    *(f"group-{role}" for role in GROUP_ROLES),
    *(f"collaborator-{role}" for role in ORG_ROLES),
    "creator",
)
KINDS = tuple(
    itertools.product(("active", "draft", "deleted"), (False, True), ("org", None))
)
READ_ALL = {
    "sysadmin",
    "collaborator-admin",
    "collaborator-editor",
    "collaborator-member",
}
EDIT_ALL = {"sysadmin", "collaborator-admin", "collaborator-editor"}


def expected_readers(dataset: Dataset) -> set[str]:
    """Whom the rules name as readers of a dataset, written out once more by hand."""
    if dataset.state == "active" and not dataset.private:
        return {*WHO, "anonymous"}
    return READ_ALL | (
        {"org-admin", "org-editor", "org-member"} if dataset.owner_org else {"creator"}
    )


def expected_editors(dataset: Dataset) -> set[str]:
    """Whom the rules name as editors of a dataset."""
    return EDIT_ALL | (
        {"org-admin", "org-editor"} if dataset.owner_org else {"creator"}
    )


@pytest.fixture
def actors(portal: Portal) -> dict[str, Actor]:
    """Every kind of user, with roles that stand in the database, read back from
    there.
    """
    with portal.work() as uow:
        session = uow.session
        users = {
            name: User(id=name, name=name, email=f"{name}@example.vn") for name in WHO
        }
        users["sysadmin"].sysadmin = True
        session.add_all(users.values())
        session.add(
            Group(id="org", name="org", is_organization=True, type="organization")
        )
        session.add(
            Group(id="group", name="group", is_organization=False, type="group")
        )
        session.flush()
        datasets = [
            Dataset(
                id=f"d{n}",
                name=f"d{n}",
                state=state,
                private=private,
                owner_org=owner,
                creator_user_id="creator",
            )
            for n, (state, private, owner) in enumerate(KINDS)
        ]
        session.add_all(datasets)
        session.flush()
        for kind, roles in (("org", ORG_ROLES), ("group", GROUP_ROLES)):
            session.add_all(
                Member(
                    group_id=kind,
                    table_name="user",
                    table_id=f"{kind}-{role}",
                    capacity=role,
                )
                for role in roles
            )
        session.add_all(
            Member(
                group_id="group",
                table_name="package",
                table_id=each.id,
                capacity="public",
            )
            for each in datasets
        )
        for dataset, role in itertools.product(datasets, ORG_ROLES):
            collaborators.set_collaborator(
                session, dataset.id, f"collaborator-{role}", role
            )
        session.flush()
        found = {name: actor_of(session, user) for name, user in users.items()}
        uow.commit()
    return {**found, "anonymous": ANONYMOUS}


def test_who_may_read_and_edit(portal: Portal, actors: dict[str, Actor]) -> None:
    with portal.read() as uow:
        datasets = uow.session.scalars(select(Dataset)).all()
        assert len(datasets) == len(KINDS)
        for name, actor in actors.items():
            held = policy.labels_for(actor)
            readers = {each.id for each in datasets if name in expected_readers(each)}
            assert {
                each.id for each in datasets if policy.may_read(actor, each)
            } == readers, name
            assert (
                set(
                    uow.session.scalars(
                        select(Dataset.id).where(policy.readable(actor))
                    )
                )
                == readers
            ), name
            assert {
                each.id
                for each in datasets
                if held is None or held & policy.labels_of(each)
            } == readers, name
            editors = {each.id for each in datasets if name in expected_editors(each)}
            assert {
                each.id for each in datasets if policy.may_edit(actor, each)
            } == editors, name
