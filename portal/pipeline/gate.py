"""The gate: what of a table that is not valid may be published, by policy or by a
steward's decision.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from portal.db import validation as db
from portal.db.validation import Policy, Released
from portal.domain.datasets import Dataset
from portal.domain.gate import BLOCK, OVERRIDE, QUARANTINE
from portal.pipeline import store, validate
from portal.pipeline.store import Decision, Prepared
from portal.pipeline.verdict import (
    CheckedResource,
    Verdict,
    is_personal,
    part_keys,
    whole_key,
)
from portal.quality.findings import bad_rows
from portal.quality.findings.bad_rows import Place, Unsplittable
from portal.quality.table.check import check_table
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from portal.tabular.versions.types import CellProblem
from schemas.tabletypes import missing_values
from schemas.texttable import TextTable

MOST_BAD_ROWS = 100_000
"""So many findings of one check and column are told apart; a table with more is held
whole.
"""
ROUNDS = 3
"""How often what is left is checked again: taking rows out may break references between
them.
"""
HARD = frozenset(
    {"duplicate-label", "blank-label", "schema-error", "blank-header", "source-error"}
)
"""Errors that leave no table behind which could be published."""
References = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What decides about a table: the policy in force, or the id of the decision that
    goes before it.
    """

    policy: Policy
    override: str | None = None
    columns: tuple[str, ...] = ()
    """Columns in which that decision, or the one of `origin`, lets personal data
    pass.
    """
    origin: str | None = None
    """The id of an earlier decision whose columns go on, where the rest is for the
    policy.
    """
    released: Mapping[str, Released] = field(default_factory=dict)
    """By its hash: what was let pass of the dataset before."""


def rule_for(
    portal: Portal, dataset: Dataset | None, resource_id: str | None, content: str
) -> Rule:
    """The rule for content with this hash; a dataset that is not kept yet has the
    portal's policy.
    """
    default = portal.settings.validation_policy
    with portal.read() as uow:
        if dataset is None:
            return Rule(db.policy_of_organization(uow.session, None, default))
        decided = db.find_override(uow.session, dataset.id, resource_id, content)
        policy = db.policy_of(uow.session, dataset, default)
        released = (
            db.released_contents(uow.session, dataset.id) if resource_id is None else {}
        )
        if decided is not None:
            return Rule(policy, decided.id, tuple(decided.columns), released=released)
        return Rule(policy, released=released)


def judge(
    portal: Portal,
    checked: CheckedResource,
    rule: Rule | None,
    previous: Manifest | None,
    references: References,
) -> Prepared:
    """Prepare what may be published of one table; a `Prepared` whose decision says no
    holds nothing but its report.

    What is valid needs no `rule`. Errors of personal data are no matter of policy: they
    stand, or a release that names their columns lets them pass.
    """
    report = checked.report
    columns = released(checked, rule)
    if report is None or report.valid or rule is None:
        valid = Decision(
            "valid",
            published=True,
            override_id=rule.override if rule else None,
            columns=columns,
        )
        return replace(store.prepare_one(portal, checked, previous), decision=valid)
    mode = OVERRIDE if rule.override else rule.policy.mode
    if any(
        each.severity == "error" and is_personal(each) for each in report.findings
    ) and checked.persons(columns):
        return _held(checked, mode, "personal-data")
    if (
        columns
        and checked.tables
        and not any(
            each.severity == "error" and not is_personal(each)
            for each in report.findings
        )
    ):
        decided = Decision(
            OVERRIDE,
            published=True,
            override_id=rule.override or rule.origin,
            columns=columns,
        )
        return replace(store.prepare_one(portal, checked, previous), decision=decided)
    if mode == BLOCK:
        return _held(checked, mode, "not-valid")
    if mode == OVERRIDE and not checked.tables:
        decided = Decision(
            mode, published=True, override_id=rule.override, columns=columns
        )
        return replace(store.prepare_one(portal, checked, previous), decision=decided)
    hard = {each.check for each in report.findings if each.severity == "error"} & HARD
    if hard or not checked.tables or checked.whole is None:
        return _held(checked, mode, "no-table")
    try:
        return _let_pass(portal, checked, rule, mode, previous, references)
    except Unsplittable as problem:
        return _held(checked, mode, "not-of-rows", str(problem))
    except CellProblem as problem:
        return _held(checked, mode, "cannot-be-stored", problem.field)


def released(checked: CheckedResource, rule: Rule | None) -> tuple[str, ...]:
    """The columns that a decision lets pass; of what is no table, it lets the whole
    text pass.
    """
    if rule is None:
        return ()
    return ("",) if rule.override and not checked.tables else rule.columns


def _held(
    checked: CheckedResource, mode: str, reason: str, detail: str = ""
) -> Prepared:
    return Prepared(
        checked, decision=Decision(mode, published=False, reason=reason, detail=detail)
    )


def _let_pass(
    portal: Portal,
    checked: CheckedResource,
    rule: Rule,
    mode: str,
    previous: Manifest | None,
    references: References,
) -> Prepared:
    whole, schema = checked.whole, checked.schema or {}
    if whole is None or checked.report is None:
        raise Unsplittable("no table")
    if mode == QUARANTINE:
        bad = _bad_rows(whole, schema, references, portal.settings.validation_seconds)
        share = 100 * len(bad) / max(checked.report.rows, 1)
        if share > rule.policy.max_bad_percent:
            return _held(checked, mode, "too-many-bad-rows", f"{share:.1f}")
        kept = replace(
            checked,
            tables=tuple(
                bad_rows.without(each, _of(each, checked, bad))
                for each in checked.tables
            ),
        )
    else:
        bad = _as_far_as_of_rows(
            whole, schema, references, portal.settings.validation_seconds
        )
        kept = replace(checked, tables=_blanked(checked, bad, schema))
    ready = store.prepare_one(portal, kept, previous)
    decision = Decision(
        mode,
        published=True,
        override_id=rule.override,
        columns=rule.columns,
        bad_rows=len(bad),
    )
    if mode == QUARANTINE:
        return replace(
            ready,
            checked=checked,
            decision=decision,
            quarantine_key=_kept_aside(portal, whole, bad),
        )
    return replace(ready, checked=checked, decision=decision)


def _of(
    table: TextTable, checked: CheckedResource, bad: Mapping[Place, Any]
) -> dict[Place, Any]:
    """The places that stand in this one of several files; read alone it does not name
    itself.
    """
    if len(checked.tables) == 1:
        return dict(bad)
    return {
        ("", number): found
        for (part, number), found in bad.items()
        if part == table.name
    }


def _bad_rows(
    whole: TextTable, schema: Mapping[str, Any], references: References, seconds: float
) -> dict[Place, Any]:
    """The rows without which the table is valid. Raises Unsplittable where there are
    none such, or no time is left.
    """
    bad: dict[Place, Any] = {}
    until = time.monotonic() + seconds
    for _ in range(ROUNDS):
        left = bad_rows.without(whole, bad) if bad else whole
        remaining = max(until - time.monotonic(), 0.0)
        report = check_table(
            left, schema, references=references, limit=MOST_BAD_ROWS, seconds=remaining
        )
        if report.valid:
            return bad
        bad |= bad_rows.bad_places(report)
    raise Unsplittable("rows that depend on each other")


def _as_far_as_of_rows(
    whole: TextTable, schema: Mapping[str, Any], references: References, seconds: float
) -> dict[Place, Any]:
    """The rows with an error; errors of the whole table do not hold back what is
    published in spite of errors.
    """
    report = check_table(
        whole, schema, references=references, limit=MOST_BAD_ROWS, seconds=seconds
    )
    of_rows = tuple(
        each for each in report.findings if each.row is not None and each.row > 1
    )
    return bad_rows.bad_places(replace(report, findings=of_rows))


def _blanked(
    checked: CheckedResource, bad: Mapping[Place, Any], schema: Mapping[str, Any]
) -> tuple[TextTable, ...]:
    missing = next(iter(missing_values(schema)), "")
    return tuple(
        bad_rows.blank_cells(each, _of(each, checked, bad), missing)
        for each in checked.tables
    )


def _kept_aside(portal: Portal, whole: TextTable, bad: Mapping[Place, Any]) -> str:
    """Write the bad rows into the blob store; return the key."""
    work = portal.settings.data_dir / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w+", encoding="utf-8", newline="", dir=work, suffix=".csv"
    ) as out:
        bad_rows.write(out, whole, bad)
        out.flush()
        out.seek(0)
        return portal.files.put_file(out.buffer).key


def harvested(
    portal: Portal,
    verdict: Verdict,
    rule: Rule | None,
    previous: Mapping[str, Manifest],
    references: References,
) -> tuple[Prepared, ...] | None:
    """Prepare a whole record, or None when it is held: but for rows in quarantine it
    passes whole or not at all.
    """
    if not verdict.report.valid or (rule is None and not verdict.valid):
        return None
    ready: list[Prepared] = []
    for checked in verdict.resources:
        own = _of_resource(portal, checked, rule, references)
        one = judge(portal, checked, own, previous.get(checked.record.name), references)
        if one.decision is not None and not one.decision.published:
            return None
        ready.append(one)
    return tuple(ready)


def _of_resource(
    portal: Portal, checked: CheckedResource, rule: Rule | None, references: References
) -> Rule | None:
    """The rule for one resource of a record: what was let pass of its files goes on,
    whatever else has changed.

    Where files came to those that were let pass (a table of one file a day), only the
    new ones are in question.
    """
    content = checked.record.content
    if rule is None or content is None:
        return rule
    keys = part_keys(checked.record)
    known = {key: rule.released[key] for key in keys if key in rule.released}
    shared = (
        frozenset.intersection(*(frozenset(each.columns) for each in known.values()))
        if known
        else frozenset()
    )
    same = rule.released.get(whole_key(checked.record))
    if same is None and len(content.parts) == 1:
        # A stored file that waited for a person.
        same = rule.released.get(content.parts[0].sha256)
    override = rule.override or (same.override_id if same else None)
    if override:
        of_files = shared if len(known) == len(set(keys)) else frozenset()
        columns = {*rule.columns, *(same.columns if same else ()), *of_files}
        return replace(rule, override=override, columns=tuple(sorted(columns)))
    if not known or _persons_in_new_parts(portal, checked, known, references):
        return rule
    return replace(
        rule,
        columns=tuple(sorted(shared)),
        origin=next(iter(known.values())).override_id,
    )


def _persons_in_new_parts(
    portal: Portal,
    checked: CheckedResource,
    known: Mapping[str, Released],
    references: References,
) -> bool:
    content, keys = checked.record.content, part_keys(checked.record)
    new = tuple(
        part
        for part, key in zip(content.parts if content else (), keys, strict=True)
        if key not in known
    )
    if content is None or not new:
        return False
    record = replace(checked.record, content=replace(content, parts=new))
    limits, limit = (
        ReadOptions.within(portal.settings),
        portal.settings.validation_limit,
    )
    return bool(
        validate.check(record, references, limit, limits, public=True).persons()
    )
