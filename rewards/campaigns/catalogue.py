"""The catalogue: all campaigns that run or are paused, compiled once in each process and kept up to date.

The database counts the changes of campaigns in one row, written under its lock, so that the count grows in the order of
commits: a process reads the count, and where it is newer than its own, the campaigns that changed since.
"""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import Refusal
from core.notes import Notes
from rewards import rules, terms
from rewards.campaigns import schedules
from rewards.discounts import Discount
from rewards.rules import Rule, uses
from rewards.terms import Terms


@dataclass(frozen=True, slots=True)
class Compiled:
    """A campaign made ready to be decided by. rule: None: always met; skus: what it covers, None: everything."""

    terms: Terms
    rule: Rule | None
    skus: frozenset[str] | None

    @property
    def discount(self) -> Discount:
        return self.terms.discount

    def open_at(self, at: datetime) -> Refusal | None:
        """Why it cannot be used at that moment, by its state, its window and its schedule."""
        try:
            self.terms.check_running(at)
            schedules.check(self.terms, at)
        except Refusal as refusal:
            return refusal
        return None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A state of all campaigns that run or are paused; never changed once it is made.

    gone  campaigns that have ended, with the version at which they did
    """

    version: int = -1
    campaigns: Mapping[UUID, tuple[int, Compiled]] = field(default_factory=dict)
    gone: Mapping[UUID, int] = field(default_factory=dict)

    def of(self, campaign_id: UUID) -> Compiled | None:
        """None for a draft, one that has ended and one that there is not."""
        found = self.campaigns.get(campaign_id)
        return found[1] if found else None

    @property
    def running(self) -> Iterator[Compiled]:
        return (each for _, each in self.campaigns.values() if each.terms.state == "running")

    def changed_since(self, version: int) -> tuple[list[Compiled], list[UUID]]:
        """What came or changed after that version, and what has ended since."""
        changed = [each for at, each in self.campaigns.values() if at > version]
        return changed, [campaign_id for campaign_id, at in self.gone.items() if at > version]


_lock = threading.Lock()
_latest = Catalogue()


def current(connection: Connection) -> Catalogue:
    """The catalogue as of now: one small statement where nothing has changed.

    Never in a transaction that has changed campaigns itself: it may yet be undone.
    """
    row = connection.execute("SELECT version FROM rewards.catalogue").fetchone()
    assert row is not None
    return _latest if _latest.version >= row[0] else _renewed(connection, row[0])


def forget() -> None:
    """Begin anew: for tests, whose database is emptied."""
    global _latest
    with _lock:
        _latest = Catalogue()


def touch(session: Session, campaign_ids: Collection[UUID]) -> None:
    """Let every process read these campaigns anew once this transaction has committed.

    effects  locks the catalogue's row until then: other changes of campaigns wait, tills do not
    """
    if campaign_ids:
        session.flush()
        connection_of(session).execute(_TOUCH, [sorted(campaign_ids)])


def compile_(connection: Connection, of_campaigns: Sequence[Terms]) -> list[Compiled]:
    """Make campaigns ready, with a statement for all of their products and one a level for saved rules."""
    known = uses.known_to(connection, [of.rule for of in of_campaigns if of.rule is not None])
    scoped = [of.campaign_id for of in of_campaigns if of.is_scoped]
    rows = connection.execute(_SCOPES, [scoped]).fetchall() if scoped else []
    scopes = {row[0]: frozenset(row[1]) for row in rows}
    return [
        Compiled(
            of,
            # It was found sound when it was saved; a fact that is not known any more is met by nobody.
            rules.parse(of.rule, Notes(), known=known) if of.rule is not None else None,
            scopes.get(of.campaign_id, frozenset()) if of.is_scoped else None,
        )
        for of in of_campaigns
    ]


def _renewed(connection: Connection, version: int) -> Catalogue:
    global _latest
    with _lock:
        before = _latest
        if before.version >= version:
            return before
        changed: dict[UUID, int] = dict(connection.execute(_CHANGED, [before.version, before.version >= 0]).fetchall())
        loaded = terms.load(connection, changed)
        live = [of for of in loaded.values() if of.state in ("running", "paused")]
        campaigns, gone = dict(before.campaigns), dict(before.gone)
        for compiled in compile_(connection, live):
            campaigns[compiled.terms.campaign_id] = (changed[compiled.terms.campaign_id], compiled)
        for campaign_id, of in loaded.items():
            if of.state == "ended" and campaign_id in campaigns:
                del campaigns[campaign_id]
                gone[campaign_id] = changed[campaign_id]
        _latest = Catalogue(version, campaigns, gone)
        return _latest


_TOUCH = """
    WITH next AS (UPDATE rewards.catalogue SET version = version + 1 RETURNING version)
    UPDATE rewards.campaign SET catalogue_version = next.version FROM next WHERE id = ANY(%s)
"""

# Those that have ended only where they may stand in what is kept.
_CHANGED = """
    SELECT id, catalogue_version FROM rewards.campaign
     WHERE catalogue_version > %s AND (state IN ('running', 'paused') OR (state = 'ended' AND %s))
"""

_SCOPES = "SELECT campaign_id, array_agg(sku) FROM rewards.campaign_sku WHERE campaign_id = ANY(%s) GROUP BY 1"
