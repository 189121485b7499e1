"""Who uses which saved rule, and what of them must be read with a condition."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from core.db import Connection
from rewards.rules import kinds
from rewards.rules.kinds import Unreadable
from rewards.rules.models import RulePart, RuleUse
from rewards.rules.parsing import DEEPEST, Known


@dataclass(frozen=True, slots=True)
class Users:
    """Who names a rule: campaigns, and other saved rules."""

    campaigns: Sequence[UUID]
    rules: Sequence[UUID]


class Dependent(NamedTuple):
    """A rule or a campaign whose condition comes to a rule, by itself or through others."""

    id: UUID
    name: str
    condition: Any


def of_rule(session: Session, rule_id: UUID) -> Users:
    return Users(
        campaigns=session.scalars(select(RuleUse.campaign_id).where(RuleUse.rule_id == rule_id)).all(),
        rules=session.scalars(select(RulePart.rule_id).where(RulePart.part_id == rule_id)).all(),
    )


def note_uses(session: Session, *, campaign_id: UUID, condition: dict[str, Any] | None) -> None:
    """Keep which saved rules a campaign's condition names, in place of those that it named before.

    raises  RuleInUse when one of them is being removed just now; read them by `known_to(…, are_kept=True)` before
    """
    session.execute(delete(RuleUse).where(RuleUse.campaign_id == campaign_id))
    if named := _named(condition):
        session.execute(insert(RuleUse), [{"rule_id": each, "campaign_id": campaign_id} for each in sorted(named)])


def note_parts(session: Session, *, rule_id: UUID, condition: dict[str, Any]) -> None:
    """The same for a saved rule."""
    session.execute(delete(RulePart).where(RulePart.rule_id == rule_id))
    if named := _named(condition):
        session.execute(insert(RulePart), [{"rule_id": rule_id, "part_id": each} for each in sorted(named)])


def known_to(connection: Connection, conditions: Iterable[Any], *, are_kept: bool = False) -> dict[UUID, Known]:
    """The saved rules that these conditions name, and those that these name, and so on; a statement a level.

    effects  are_kept: none of them can be removed before the transaction ends
    """
    found: dict[UUID, Known] = {}
    wanted = set().union(*[_named(each) for each in conditions])
    query = _READ + (" ORDER BY id FOR KEY SHARE" if are_kept else "")
    for _ in range(DEEPEST + 1):
        if not wanted:
            break
        rows = connection.execute(query, [sorted(wanted)]).fetchall()
        found |= {row[0]: Known(row[1], row[2]) for row in rows}
        wanted = set().union(*[_named(row[2]) for row in rows]) - found.keys()
    return found


def rules_above(connection: Connection, rule_id: UUID) -> list[Dependent]:
    """The saved rules that a change of this one concerns."""
    return [Dependent(*row) for row in connection.execute(_RULES, [rule_id, rule_id])]


def campaigns_above(connection: Connection, rule_id: UUID) -> list[Dependent]:
    """The campaigns that a change of the rule concerns."""
    return [Dependent(*row) for row in connection.execute(_CAMPAIGNS, [rule_id])]


def _named(condition: Any) -> set[UUID]:
    """The saved rules that a condition names itself."""
    return set(_walk(condition, 0))


def _walk(condition: Any, depth: int) -> Iterator[UUID]:
    if depth > 2 * DEEPEST + 2:  # deeper than any rule that was found sound
        return
    if isinstance(condition, list):
        for each in condition:
            yield from _walk(each, depth + 1)
    elif isinstance(condition, dict):
        for name, each in condition.items():
            if name != "rule":
                yield from _walk(each, depth + 1)
                continue
            try:
                yield kinds.ID.read(each)
            except Unreadable:
                continue


_READ = "SELECT id, name, condition FROM rewards.rule WHERE id = ANY(%s)"

_UPWARDS = """
    WITH RECURSIVE above (id) AS (
        SELECT %s::uuid
         UNION
        SELECT p.rule_id FROM rewards.rule_part p JOIN above u ON u.id = p.part_id
    )
"""

_RULES = f"""
    {_UPWARDS}
    SELECT r.id, r.name, r.condition FROM rewards.rule r JOIN above USING (id) WHERE r.id <> %s ORDER BY r.id
"""  # noqa: S608 - constants only

_CAMPAIGNS = f"""
    {_UPWARDS}
    SELECT c.id, c.name, c.rule FROM rewards.campaign c
     WHERE c.id IN (SELECT r.campaign_id FROM rewards.rule_use r JOIN above u ON u.id = r.rule_id)
     ORDER BY c.id
"""  # noqa: S608 - constants only
