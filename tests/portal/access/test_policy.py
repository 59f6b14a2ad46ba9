"""One rule of reading, three renderings: row check, SQL filter and labels agree over
every combination.
"""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.access import policy
from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.domain.datasets import Dataset
from portal.domain.people import Group
from portal.errors import NotAuthorized
from portal.runtime import Portal

ACTORS = (
    ANONYMOUS,
    SYSTEM,
    Actor("u1", "outsider"),
    Actor("u2", "member", organizations={"org-a": "member"}),
    Actor("u3", "editor", organizations={"org-a": "editor", "org-b": "admin"}),
    Actor("u4", "grouped", groups={"g": "admin"}),
    Actor(
        "u5",
        "collaborator",
        datasets={
            f"d{number}": role for number, role in enumerate(("member", "editor") * 27)
        },
    ),
    Actor(
        "u1",
        "everything",
        organizations={"org-a": "admin"},
        groups={"g": "member"},
        datasets={"d50": "admin"},
    ),
)


@pytest.fixture
def matrix(portal: Portal) -> list[Dataset]:
    """A dataset for every state × privacy × owner × creator."""
    made = []
    with portal.work() as uow:
        for name in ("org-a", "org-b"):
            uow.session.add(
                Group(id=name, name=name, is_organization=True, type="organization")
            )
        uow.session.flush()
        choices = itertools.product(
            ("active", "draft", "deleted"),
            (False, True),
            ("org-a", "org-b", None),
            ("u1", "u2", None),
        )
        for number, (state, private, owner, creator) in enumerate(choices):
            dataset = Dataset(
                id=f"d{number}",
                name=f"d{number}",
                state=state,
                private=private,
                owner_org=owner,
                creator_user_id=creator,
            )
            made.append(dataset)
            uow.session.add(dataset)
        uow.commit()
    return made


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.name or "anonymous")
def test_the_three_renderings_agree(
    portal: Portal, matrix: list[Dataset], actor: Actor
) -> None:
    by_check = {dataset.id for dataset in matrix if policy.may_read(actor, dataset)}
    with portal.read() as uow:
        by_sql = set(
            uow.session.scalars(select(Dataset.id).where(policy.readable(actor)))
        )
    held = policy.labels_for(actor)
    by_label = {
        dataset.id
        for dataset in matrix
        if held is None or held & policy.labels_of(dataset)
    }
    assert by_check == by_sql == by_label
    assert by_check  # whoever asks sees at least what is public


def test_nobody_is_never_the_creator_of_what_has_none(matrix: list[Dataset]) -> None:
    orphans = [
        d
        for d in matrix
        if d.creator_user_id is None and d.owner_org is None and d.state == "draft"
    ]
    assert orphans
    assert not any(
        policy.may_read(actor, d)
        for d in orphans
        for actor in ACTORS
        if not (actor.sysadmin or actor.datasets)
    )


def test_a_refusal_names_the_actor_and_never_the_target() -> None:
    dataset = Dataset(
        id="secret-id",
        name="secret-name",
        private=True,
        owner_org="org-a",
        state="active",
    )
    with pytest.raises(
        NotAuthorized, match=r"^Access denied: User outsider not authorized to read"
    ) as refusal:
        policy.authorise(ACTORS[2], policy.Permission.DATASET_READ, dataset)
    assert "secret" not in str(refusal.value)


ROLES = st.dictionaries(
    st.sampled_from(["org-a", "org-b"]), st.sampled_from(["admin", "editor", "member"])
)
GENERATED = st.builds(
    Actor,
    user_id=st.sampled_from([None, "u1", "u2", "u3"]),
    name=st.just("generated"),
    organizations=ROLES,
    groups=st.dictionaries(st.just("g"), st.sampled_from(["admin", "member"])),
    datasets=st.dictionaries(
        st.integers(0, 53).map(lambda number: f"d{number}"),
        st.sampled_from(["admin", "editor", "member"]),
        max_size=5,
    ),
).filter(
    lambda actor: (
        not actor.anonymous
        or not (actor.organizations or actor.groups or actor.datasets)
    )
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(actor=GENERATED)
def test_the_three_renderings_agree_for_whoever_asks(
    portal: Portal, matrix: list[Dataset], actor: Actor
) -> None:
    by_check = {dataset.id for dataset in matrix if policy.may_read(actor, dataset)}
    with portal.read() as uow:
        by_sql = set(
            uow.session.scalars(select(Dataset.id).where(policy.readable(actor)))
        )
        near = set(uow.session.scalars(select(Dataset.id).where(policy.near(actor))))
    held = policy.labels_for(actor) or frozenset()
    by_label = {dataset.id for dataset in matrix if held & policy.labels_of(dataset)}
    assert by_check == by_sql == by_label
    public = {dataset.id for dataset in matrix if dataset.is_public}
    assert by_check == public | near
    edited = {dataset.id for dataset in matrix if policy.may_edit(actor, dataset)}
    shared = {dataset.id for dataset in matrix if policy.may_share(actor, dataset)}
    assert shared <= edited <= near, (
        "whoever shares edits, whoever edits reads, public or not"
    )
