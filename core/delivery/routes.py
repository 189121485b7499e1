"""Routes: the providers of a channel in their order, which of them is open, and which one a message takes.

A route that fails five times in a row is closed for a minute: what waits goes another way, or waits, instead of using
its attempts up or falling into doubt by the thousand. After that minute one message tries the way for the others. The
state is the database's, so all processes know. It is kept by channel: a provider whose WhatsApp is not set up still
carries codes by SMS.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.db import Connection
from core.delivery.models import CHANNELS
from core.gateways.outcomes import Accepted, AddressDead, Outcome, Refused, Retry
from core.gateways.registry import Gateways

#: So many failures in a row close a route, for so long. One success forgets them all.
FAILURES, CLOSED = 5, timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one route; of one that never failed there is no row."""

    failures: int = 0
    closed_until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self.closed_until is None or self.closed_until <= now

    @property
    def is_on_trial(self) -> bool:
        """Whether it was closed and has not done its part since."""
        return self.failures >= FAILURES


@dataclass(frozen=True, slots=True)
class Ways:
    """The routes of one channel as they stand just now, in the order in which they are tried."""

    channel: str
    names: Sequence[str]
    states: Mapping[str, State] = field(default_factory=dict)

    def open(self, now: datetime) -> list[str]:
        return [name for name in self.names if self.states.get(name, State()).is_open(now)]

    def most_at_once(self, now: datetime) -> int | None:
        """How many messages may be taken up: none while every route is closed, one while the first open one is on
        trial, so that a provider that swallows them gets no more; None: any number."""
        there = self.open(now)
        if not there:
            return 0
        return 1 if self.states.get(there[0], State()).is_on_trial else None

    def choose(self, refused_by: Collection[str], now: datetime) -> str | None:
        """The first open route that has not refused the message yet; the first open one where all have.

        None while every route is closed
        """
        there = self.open(now)
        return next((name for name in there if name not in refused_by), there[0] if there else None)

    def another(self, refused_by: Collection[str], now: datetime) -> bool:
        """Whether a message that these routes surely did not take may go another way at once."""
        return any(name not in refused_by for name in self.open(now))


@dataclass(frozen=True, slots=True)
class Shown:
    """A route as staff see it. per_second: what its rate allows; None: any number"""

    channel: str
    route: str
    failures: int
    closed_until: datetime | None
    per_second: float | None

    @property
    def status(self) -> str:
        return "open" if self.closed_until is None else "closed"


def shown(connection: Connection, gateways: Gateways, *, rates: Mapping[str, float], now: datetime) -> list[Shown]:
    """Every route of every channel, in the order in which they are tried."""
    found = []
    for channel in CHANNELS:
        ways = read(connection, channel, [one.name for one in gateways.of_channel(channel)])
        for route in ways.names:
            state = ways.states.get(route, State())
            closed_until = None if state.is_open(now) else state.closed_until
            found.append(Shown(channel, route, state.failures, closed_until, rates.get(route)))
    return found


def read(connection: Connection, channel: str, names: Sequence[str]) -> Ways:
    route_of = {_key(channel, name): name for name in names}
    rows = connection.execute(_READ, [list(route_of)]).fetchall()
    return Ways(channel, names, {route_of[key]: State(failures, closed_until) for key, failures, closed_until in rows})


def note(connection: Connection, ways: Ways, ended: Iterable[tuple[str, Outcome]], *, now: datetime) -> None:
    """Count how calls ended, where that changes anything: it costs nothing while all goes well."""
    of_route: dict[str, list[bool]] = {}
    for route, outcome in ended:
        if (is_well := went_well(outcome)) is not None:
            of_route.setdefault(route, []).append(is_well)
    for route, each in sorted(of_route.items()):
        if any(each):
            if ways.states.get(route, State()).failures:
                connection.execute(_FORGIVE, [_key(ways.channel, route)])
        else:
            key = _key(ways.channel, route)
            told = {"route": key, "failed": len(each), "most": FAILURES, "until": now + CLOSED, "now": now}
            connection.execute(_BLAME, told)


def went_well(outcome: Outcome) -> bool | None:
    """Whether the provider did its part; None where the outcome tells nothing about the others that go this way.

    Silence counts as failing: nobody can tell what became of that message, so the next ones had better not follow it.
    """
    match outcome:
        case Accepted() | AddressDead() | Refused(permanent=True):
            return True
        case Refused(is_routes=False):
            return None
        case Retry(code) if code.startswith("http_429") or "20429" in code:
            return None  # it works, and asks for patience with this sender
        case _:
            return False


def _key(channel: str, route: str) -> str:
    """What a route's failures stand under. Its rate stands under the provider's name alone: that is the account's."""
    return f"{channel}:{route}"


_READ = "SELECT route, failures, closed_until FROM core.provider_state WHERE route = ANY(%s)"

_FORGIVE = "UPDATE core.provider_state SET failures = 0, closed_until = NULL WHERE route = %s AND failures > 0"

_BLAME = """
    INSERT INTO core.provider_state AS known (route, failures, closed_until, tokens, filled_at)
    VALUES (%(route)s, %(failed)s, CASE WHEN %(failed)s >= %(most)s THEN %(until)s::timestamptz END, 0, %(now)s)
        ON CONFLICT (route) DO UPDATE
       SET failures = known.failures + excluded.failures,
           closed_until = CASE WHEN known.failures + excluded.failures >= %(most)s
                               THEN greatest(%(until)s, known.closed_until) ELSE known.closed_until END
"""
