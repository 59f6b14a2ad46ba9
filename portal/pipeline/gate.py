"""The gate: what of a table that is not valid may be published, by policy or by a
steward's decision.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from portal.db import validation as db
from portal.db.validation import Policy, Released
from portal.domain.datasets import Dataset
from portal.domain.gate import BLOCK, OVERRIDE, QUARANTINE
from portal.pipeline import quarantine, validate
from portal.pipeline.prepared import Decision, Prepared, prepare
from portal.pipeline.verdict import (
    CheckedResource,
    Verdict,
    is_personal,
    part_keys,
    whole_key,
)
from portal.quality.findings.bad_rows import Unsplittable
from portal.quality.findings.report import Report
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from portal.tabular.versions.types import CellProblem

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
    """Columns in which that decision, or the one of `origin`, allows personal data."""
    origin: str | None = None
    """The id of an earlier decision whose columns go on, where the rest is for the
    policy.
    """
    released: Mapping[str, Released] = field(default_factory=dict)
    """By its hash: what was allowed of the dataset before."""


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
        policy = db.policy_of(uow.session, dataset, default)
        override = db.find_override(uow.session, dataset.id, resource_id, content)
        # A whole record (no resource yet) may hold files that were released before.
        released: Mapping[str, Released] = {}
        if resource_id is None:
            released = db.released_contents(uow.session, dataset.id)
        if override is None:
            return Rule(policy, released=released)
        columns = tuple(override.columns)
        return Rule(policy, override.id, columns, released=released)


def decide(
    portal: Portal,
    checked: CheckedResource,
    rule: Rule | None,
    previous: Manifest | None,
    references: References,
) -> Prepared:
    """Prepare what may be published of one table; a `Prepared` whose decision says no
    holds nothing but its report.

    What is valid needs no `rule`. Errors of personal data are no matter of policy: they
    stand, or a release that names their columns allows them.
    """
    report = checked.report
    columns = released_columns(checked, rule)
    if report is None or report.valid or rule is None:
        override_id = rule.override if rule else None
        decision = Decision(
            "valid", published=True, override_id=override_id, columns=columns
        )
        return _publish(portal, checked, previous, decision)
    # Persons first: no policy and no override of the table decides about them.
    mode = OVERRIDE if rule.override else rule.policy.mode
    if _has_errors(report, personal=True) and checked.persons(columns):
        return _hold(checked, mode, "personal-data")
    if columns and checked.tables and not _has_errors(report, personal=False):
        # Nothing was wrong but what the release names: it need not be released again.
        decision = Decision(
            OVERRIDE,
            published=True,
            override_id=rule.override or rule.origin,
            columns=columns,
        )
        return _publish(portal, checked, previous, decision)
    if mode == BLOCK:
        return _hold(checked, mode, "not-valid")
    if mode == OVERRIDE and not checked.tables:
        decision = Decision(
            mode, published=True, override_id=rule.override, columns=columns
        )
        return _publish(portal, checked, previous, decision)
    if _is_hard(report) or not checked.tables or checked.whole is None:
        return _hold(checked, mode, "no-table")
    try:
        return _publish_part(portal, checked, rule, mode, previous, references)
    except Unsplittable as problem:
        return _hold(checked, mode, "not-of-rows", str(problem))
    except CellProblem as problem:
        return _hold(checked, mode, "cannot-be-stored", problem.field)


def released_columns(checked: CheckedResource, rule: Rule | None) -> tuple[str, ...]:
    """The columns that a decision allows; of what is no table, it allows the whole
    text.
    """
    if rule is None:
        return ()
    return ("",) if rule.override and not checked.tables else rule.columns


def _has_errors(report: Report, *, personal: bool) -> bool:
    """Whether a report holds errors of personal data, or others."""
    return any(
        finding.severity == "error" and is_personal(finding) == personal
        for finding in report.findings
    )


def _is_hard(report: Report) -> bool:
    """Whether a report has an error that leaves no table behind."""
    errors = {
        finding.check for finding in report.findings if finding.severity == "error"
    }
    return not errors.isdisjoint(HARD)


def _publish(
    portal: Portal,
    checked: CheckedResource,
    previous: Manifest | None,
    decision: Decision,
) -> Prepared:
    """Write a table or file into the stores, with the decision that lets it pass."""
    return replace(prepare(portal, checked, previous), decision=decision)


def _hold(
    checked: CheckedResource, mode: str, reason: str, detail: str = ""
) -> Prepared:
    """Nothing is written; the decision says why."""
    decision = Decision(mode, published=False, reason=reason, detail=detail)
    return Prepared(checked, decision=decision)


def _publish_part(
    portal: Portal,
    checked: CheckedResource,
    rule: Rule,
    mode: str,
    previous: Manifest | None,
    references: References,
) -> Prepared:
    """Prepare a table without its bad rows (QUARANTINE), or with their bad cells blank.
    Raises Unsplittable or CellProblem.
    """
    seconds = portal.settings.validation_seconds
    aside: str | None = None
    if mode == QUARANTINE:
        split = quarantine.without_bad_rows(checked, references, seconds)
        percent = split.bad_percent
        if percent > rule.policy.max_bad_percent:
            return _hold(checked, mode, "too-many-bad-rows", f"{percent:.1f}")
    else:
        split = quarantine.with_blank_cells(checked, references, seconds)
    ready = prepare(portal, split.publishable, previous)
    # After the rows: where they cannot be stored nothing need be kept aside.
    if mode == QUARANTINE:
        aside = quarantine.write_bad_rows(portal, split)
    decision = Decision(
        mode,
        published=True,
        override_id=rule.override,
        columns=rule.columns,
        bad_rows=len(split.bad),
    )
    # The verdict is that on all rows: people are told what their file holds.
    return replace(ready, checked=checked, decision=decision, quarantine_key=aside)


def decide_record(
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
        own_rule = _rule_of_resource(portal, checked, rule, references)
        manifest = previous.get(checked.record.name)
        one = decide(portal, checked, own_rule, manifest, references)
        if one.decision is not None and not one.decision.published:
            return None
        ready.append(one)
    return tuple(ready)


def _rule_of_resource(
    portal: Portal, checked: CheckedResource, rule: Rule | None, references: References
) -> Rule | None:
    """The rule for one resource of a record: what was allowed of its files goes on,
    whatever else has changed.

    Where files came to those that were allowed (a table of one file a day), only the
    new ones are in question.
    """
    content = checked.record.content
    if rule is None or content is None:
        return rule
    keys = part_keys(checked.record)
    released = {key: rule.released[key] for key in keys if key in rule.released}
    columns_of_all = _columns_of_all(released.values())
    whole = rule.released.get(whole_key(checked.record))
    if whole is None and len(content.parts) == 1:
        # A stored file that waited for a person.
        whole = rule.released.get(content.parts[0].sha256)
    override = rule.override or (whole.override_id if whole else None)
    if override:
        columns = set(rule.columns)
        columns.update(whole.columns if whole else ())
        # A file that nobody released may hold other persons in the same columns.
        if len(released) == len(set(keys)):
            columns |= columns_of_all
        return replace(rule, override=override, columns=tuple(sorted(columns)))
    if not released or _persons_in_new_parts(portal, checked, released, references):
        return rule
    origin = next(iter(released.values())).override_id
    return replace(rule, columns=tuple(sorted(columns_of_all)), origin=origin)


def _columns_of_all(released: Collection[Released]) -> frozenset[str]:
    """The columns that every one of these decisions names."""
    if not released:
        return frozenset()
    return frozenset.intersection(*(frozenset(each.columns) for each in released))


def _persons_in_new_parts(
    portal: Portal,
    checked: CheckedResource,
    released: Mapping[str, Released],
    references: References,
) -> bool:
    """Whether the files that nobody released hold personal data."""
    content = checked.record.content
    if content is None:
        return False
    keys = part_keys(checked.record)
    new = tuple(
        part
        for part, key in zip(content.parts, keys, strict=True)
        if key not in released
    )
    if not new:
        return False
    record = replace(checked.record, content=replace(content, parts=new))
    options = ReadOptions.within(portal.settings)
    limit = portal.settings.validation_limit
    # As for everybody, whoever sees the dataset now: a release is about publishing.
    again = validate.check(record, references, limit, options, public=True)
    return bool(again.persons())
