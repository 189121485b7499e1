"""Saved rules: named once, used by many campaigns and by one another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from core import audit, ids
from core.db import Connection, connection_of
from core.errors import NotFound
from core.notes import Notes
from rewards.campaigns import versions
from rewards.rules import uses
from rewards.rules.errors import RuleInUse, RuleInvalid
from rewards.rules.models import RulePart, SavedRule
from rewards.rules.parsing import Known, parse

#: Where staff send a condition.
_POINTER = "/condition"


def create(session: Session, *, name: str, condition: dict[str, Any], actor: str, now: datetime) -> SavedRule:
    """raises  RuleInvalid, which names every fault"""
    rule_id = ids.new()
    _lock(session)
    _check(condition, uses.known_to(connection_of(session), [condition], are_kept=True), own=rule_id)

    rule = SavedRule(
        id=rule_id, name=name, condition=condition, revision=1, created_by=actor, created_at=now, updated_at=now
    )
    session.add(rule)
    session.flush()
    uses.note_parts(session, rule_id=rule.id, condition=condition)
    _audit(session, rule, "rule.created", {"name": name, "condition": condition}, actor=actor, now=now)
    return rule


def change(
    session: Session, *, rule_id: UUID, name: str, condition: dict[str, Any], actor: str, now: datetime
) -> SavedRule:
    """Write a rule anew; every campaign that uses it, also by other rules, goes by the new one from its commit on.

    raises   NotFound; RuleInvalid, also where a campaign or a rule that uses it could not use it any more;
             CampaignApprovalNeeded where such a campaign runs above the value that needs a second person
    effects  the campaigns get a new revision, unless it was the name alone
    """
    _lock(session)
    rule = _locked(session, rule_id)
    before = {"name": rule.name, "condition": rule.condition}
    if before == {"name": name, "condition": condition}:
        return rule
    connection = connection_of(session)
    known = uses.known_to(connection, [condition], are_kept=True) | {rule_id: Known(name, condition)}
    _check(condition, known, own=rule_id)
    campaigns = _check_users(connection, rule_id, known[rule_id])

    rule.name, rule.condition, rule.updated_at = name, condition, now
    rule.revision += 1
    session.flush()
    uses.note_parts(session, rule_id=rule.id, condition=condition)
    if condition != before["condition"]:
        versions.renew(session, campaigns, actor=actor, now=now)
    _audit(
        session,
        rule,
        "rule.changed",
        {"from": before, "to": {"name": name, "condition": condition}},
        actor=actor,
        now=now,
    )
    return rule


def remove(session: Session, *, rule_id: UUID, actor: str, now: datetime) -> None:
    """raises  NotFound; RuleInUse while a campaign or a rule names it"""
    _lock(session)
    rule = _locked(session, rule_id)
    used = uses.of_rule(session, rule_id)
    if used.campaigns or used.rules:
        raise RuleInUse(campaigns=len(used.campaigns), rules=len(used.rules))

    session.execute(delete(RulePart).where(RulePart.rule_id == rule_id))
    session.delete(rule)
    _audit(session, rule, "rule.removed", {"name": rule.name, "condition": rule.condition}, actor=actor, now=now)


def find(session: Session, rule_id: UUID) -> SavedRule:
    """raises  NotFound"""
    rule = session.get(SavedRule, rule_id)
    if rule is None:
        raise NotFound("There is no such rule")
    return rule


def page(session: Session, *, before: UUID | None, limit: int) -> Sequence[SavedRule]:
    """The latest first, from the one before `before` on."""
    query = select(SavedRule).order_by(SavedRule.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(SavedRule.id < before)).all()


def _check(condition: Any, known: dict[UUID, Known], *, own: UUID) -> None:
    """raises  RuleInvalid for what is sound neither about a basket nor about one of its lines"""
    notes, of_line = Notes(_POINTER), Notes(_POINTER)
    parse(condition, notes, known=known, own=own)
    if not notes.errors:
        return
    parse(condition, of_line, known=known, own=own, is_of_line=True)
    if of_line.errors:
        # The reading with fewer faults is the one that was meant.
        raise RuleInvalid(errors=min((notes.errors, of_line.errors), key=len))


def _check_users(connection: Connection, rule_id: UUID, changed: Known) -> list[UUID]:
    """The campaigns that use the rule.

    raises  RuleInvalid where somebody who uses the rule, directly or not, could not use what it becomes
    """
    rules, campaigns = uses.rules_above(connection, rule_id), uses.campaigns_above(connection, rule_id)
    known = uses.known_to(connection, [each.condition for each in (*rules, *campaigns)]) | {rule_id: changed}
    for rule in rules:
        try:
            _check(rule.condition, known, own=rule.id)
        except RuleInvalid as refusal:
            raise _unusable(f"rule “{rule.name}”", refusal.facts["errors"][0]["detail"]) from refusal
    for campaign in campaigns:
        notes = Notes()
        parse(campaign.condition, notes, known=known)
        if notes.errors:
            raise _unusable(f"campaign “{campaign.name}”", notes.errors[0]["detail"])
    return [campaign.id for campaign in campaigns]


def _unusable(by: str, why: str) -> RuleInvalid:
    return RuleInvalid(
        errors=[{"pointer": _POINTER, "detail": f"The {by} uses this rule and could not any more: {why}"}]
    )


def _locked(session: Session, rule_id: UUID) -> SavedRule:
    """The rule, once no campaign is about to use it: who names it holds its key until they commit."""
    rule = session.get(SavedRule, rule_id, with_for_update=True)
    if rule is None:
        raise NotFound("There is no such rule")
    return rule


def _lock(session: Session) -> None:
    """One writer of rules at a time, so that two of them cannot make a ring together."""
    session.execute(text("LOCK TABLE rewards.rule IN SHARE ROW EXCLUSIVE MODE"))


def _audit(
    session: Session, rule: SavedRule, action: str, change: dict[str, Any], *, actor: str, now: datetime
) -> None:
    audit.record(session, actor=actor, action=action, target=f"rule:{rule.id}", change=change, now=now)
