"""The catalogue: all campaigns that run or are paused, compiled once in each process and kept up to date.

The database counts the changes of campaigns in one row, written under its lock, so that the count grows in the order of
commits: a process reads the count, and where it is newer than its own, the campaigns that changed since. A few of them
are read by who asks; of many, who asks goes by what is known until another thread has read them. A transaction that has
changed campaigns itself sees its changes, and nothing that it sees is kept.

Whoever decides about money goes by terms of one revision, never by what is on the shelf: `terms_at` and `rules_of`.
"""

import gc
import json
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of, statement
from core.notes import Notes
from rewards import rules, terms
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


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A state of all campaigns that run or are paused; never changed once it is made.

    gone      campaigns that have ended, with the version at which they did
    is_kept   False: what a transaction sees that has changed campaigns itself, which may yet be undone
    """

    version: int = -1
    campaigns: Mapping[UUID, tuple[int, Compiled]] = field(default_factory=dict)
    gone: Mapping[UUID, int] = field(default_factory=dict)
    is_kept: bool = True

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


#: So many changed campaigns are read by who asks, in some ten milliseconds; more of them beside it.
MOST_AT_ONCE = 100
#: Terms that are kept beside the catalogue: of campaigns that it has not read yet, or that it does not hold.
_MOST_TERMS = 1_000

_Version = tuple[str, str, str]

_lock = threading.Lock()
_latest = Catalogue()
_reader: threading.Thread | None = None
_terms: dict[UUID, tuple[_Version, Terms]] = {}

#: Told of a catalogue by the thread that has read it beside the requests, before they get it; and of one that knows
#: nothing, where all begins anew.
followers: list[Callable[[Catalogue], None]] = []

log = logging.getLogger("pocketful.catalogue")


def current(connection: Connection) -> Catalogue:
    """The catalogue: one small statement where nothing has changed. It is the one as of now, but for a moment after a
    change of more than `MOST_AT_ONCE` campaigns."""
    row = connection.execute(_VERSION).fetchone()
    assert row is not None
    version, is_own_change = row
    if is_own_change:
        return _read(connection, _latest, version, _changed(connection, _latest), is_kept=False)
    return _latest if _latest.version >= version else _renewed(connection, version)


def terms_at(connection: Connection, campaign_id: UUID, version: _Version) -> Terms:
    """A campaign's terms as they are now, read only where this process does not have them.

    version  of the catalogue, the campaign's revision, and its state, as its row has them now, as texts
    """
    kept = _latest.campaigns.get(campaign_id)
    if kept is not None:
        of = kept[1].terms
        if (str(kept[0]), str(of.revision), of.state) == version:
            return of
    known = _terms.get(campaign_id)
    if known is not None and known[0] == version:
        return known[1]
    found = terms.load(connection, [campaign_id])[campaign_id]
    # In a transaction it may be what that has changed itself, and what is undone would be found again by its version.
    if connection.autocommit:
        if len(_terms) >= _MOST_TERMS:
            _terms.clear()
        _terms[campaign_id] = (version, found)
    return found


def rules_of(connection: Connection, of_campaigns: Iterable[Terms]) -> dict[UUID, Rule]:
    """By campaign, the rules of these terms; without a statement where this process has them."""
    found: dict[UUID, Rule] = {}
    unread: list[Terms] = []
    for of in of_campaigns:
        kept = _latest.of(of.campaign_id)
        if kept is None or kept.rule is None or kept.terms.revision != of.revision:
            unread.append(of)
        elif of.rule is not None:
            found[of.campaign_id] = kept.rule
    return found | _parsed(connection, unread)


def forget() -> None:
    """Begin anew: another database was opened, or a test's was emptied."""
    global _latest
    with _lock:
        _latest = Catalogue()
        _terms.clear()
    for follow in followers:
        follow(_latest)


def touch(session: Session, campaign_ids: Collection[UUID]) -> None:
    """Let every process read these campaigns anew once this transaction has committed.

    effects  locks the catalogue's row until then: other changes of campaigns wait, tills do not
    """
    if campaign_ids:
        session.flush()
        connection_of(session).execute(_TOUCH, [sorted(campaign_ids)])


def compile_(connection: Connection, of_campaigns: Sequence[Terms]) -> list[Compiled]:
    """Make campaigns ready, with a statement for all of their products and one a level for saved rules."""
    of_rules = _parsed(connection, of_campaigns)
    scoped = [of.campaign_id for of in of_campaigns if of.is_scoped]
    rows = connection.execute(_SCOPES, [scoped]).fetchall() if scoped else []
    scopes = {row[0]: frozenset(row[1]) for row in rows}
    return [
        Compiled(of, of_rules.get(of.campaign_id), scopes.get(of.campaign_id, frozenset()) if of.is_scoped else None)
        for of in of_campaigns
    ]


def _renewed(connection: Connection, version: int) -> Catalogue:
    """What is known as of that version, or what was known before while many campaigns are read beside this."""
    global _latest, _reader
    with _lock:
        before = _latest
        if before.version >= version or _reader is not None:
            return before
        changed = _changed(connection, before)
        if before.version >= 0 and len(changed) > MOST_AT_ONCE:
            _reader = threading.Thread(target=_read_beside, args=[before], name="catalogue", daemon=True)
            _reader.start()
            return before
        _latest = _read(connection, before, version, changed)
        return _latest


def _read_beside(before: Catalogue) -> None:
    global _latest, _reader
    made = None
    try:
        with statement() as connection:
            row = connection.execute(_VERSION).fetchone()
            assert row is not None
            made = _read(connection, before, row[0], _changed(connection, before))
        for follow in followers:
            follow(made)
    except Exception:
        log.exception("the catalogue was not read")  # the next who asks begins again
    finally:
        with _lock:
            _reader = None
            if made is not None and _latest is before:
                _latest = made


def _changed(connection: Connection, before: Catalogue) -> dict[UUID, int]:
    return dict(connection.execute(_CHANGED, [before.version, before.version >= 0]).fetchall())


def _read(
    connection: Connection, before: Catalogue, version: int, changed: Mapping[UUID, int], *, is_kept: bool = True
) -> Catalogue:
    with _uncollected():
        loaded = terms.load(connection, changed)
        live = [of for of in loaded.values() if of.state in ("running", "paused")]
        campaigns, gone = dict(before.campaigns), dict(before.gone)
        for compiled in compile_(connection, live):
            campaigns[compiled.terms.campaign_id] = (changed[compiled.terms.campaign_id], compiled)
    for campaign_id, of in loaded.items():
        if of.state == "ended" and campaign_id in campaigns:
            del campaigns[campaign_id]
            gone[campaign_id] = changed[campaign_id]
    return Catalogue(version, campaigns, gone, is_kept)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of garbage, which would walk through all that is made here, again and again: of a load of
    10,000 campaigns it took more than half (measured), and there is no garbage in it."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _parsed(connection: Connection, of_campaigns: Sequence[Terms]) -> dict[UUID, Rule]:
    """The rules by campaign. Each was found sound when it was saved; a fact that is not known any more nobody meets."""
    ruled = {of.campaign_id: of.rule for of in of_campaigns if of.rule is not None}
    known = uses.known_to(connection, ruled.values())
    if known:
        return {campaign_id: rules.parse(raw, Notes(), known=known) for campaign_id, raw in ruled.items()}
    return {campaign_id: _parsed_alone(json.dumps(raw)) for campaign_id, raw in ruled.items()}


@lru_cache(maxsize=1_000)
def _parsed_alone(written: str) -> Rule:
    """A rule that names no other; many campaigns are copies of one."""
    raw: Any = json.loads(written)
    return rules.parse(raw, Notes())


# Whether the row is of a change of this very transaction, wherever in it a savepoint stands.
_VERSION = "SELECT version, changed_by = pg_current_xact_id_if_assigned() FROM rewards.catalogue"

_TOUCH = """
    WITH next AS (
        UPDATE rewards.catalogue SET version = version + 1, changed_by = pg_current_xact_id() RETURNING version)
    UPDATE rewards.campaign SET catalogue_version = next.version FROM next WHERE id = ANY(%s)
"""

# Those that have ended only where they may stand in what is kept.
_CHANGED = """
    SELECT id, catalogue_version FROM rewards.campaign
     WHERE catalogue_version > %s AND (state IN ('running', 'paused') OR (state = 'ended' AND %s))
"""

_SCOPES = "SELECT campaign_id, array_agg(sku) FROM rewards.campaign_sku WHERE campaign_id = ANY(%s) GROUP BY 1"
