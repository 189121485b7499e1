"""A naive interpreter of one journey, written from its rules alone: what the engine does is held against it.

The journey (`graph`): an order of 1 lets in; a gift card and its code; a wait for an order of 2, with a time-out; a
wait for the redemption; thanks, a pause, and a wait for one more order of 2. An order of 3 ends it; an order of 2 is
its goal.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.engage.conftest import drawn, gift, say, wait

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
LATENESS, GOAL_WITHIN = DAY, 3 * DAY
ENTRY, WANTED, EXIT, REDEEMED = 1, 2, 3, 0


def order_of(total: int, **more: Any) -> dict[str, Any]:
    is_that = {"field": "total_minor", "is": "equals", "value": total}
    return {"event": "order.completed", "where": is_that, **more}


def awaiting(total: int, seconds: timedelta, **branches: Any) -> dict[str, Any]:
    told = order_of(total)
    return wait(int(seconds.total_seconds()), for_event=told["event"], where=told["where"], **branches)


def graph(campaign_id: UUID) -> dict[str, Any]:
    steps = {
        "gift": gift(campaign_id, next="tell"),
        "tell": say("Your code: {{ voucher.code }}", next="rest"),
        "rest": awaiting(WANTED, DAY, on_event="thanks", on_timeout="used"),
        "used": wait(2 * 86_400, for_event="voucher.redeemed", on_event="thanks", on_timeout="bye"),
        "thanks": say("Thanks", next="cool"),
        "cool": wait(3600, on_timeout="more"),
        "more": awaiting(WANTED, DAY, on_event="bye"),
        "bye": {"kind": "exit", "reason": "bye"},
    }
    return drawn(
        "gift",
        steps,
        entry=order_of(ENTRY),
        re_entry="after_exit",
        exit_when=[order_of(EXIT)],
        goal=order_of(WANTED, within_seconds=int(GOAL_WITHIN.total_seconds())),
    )


@dataclass
class Happened:
    kind: int
    at: datetime


@dataclass
class Walk:
    entry: Happened
    began: datetime
    since: datetime
    step: str = "gift"
    runs: list[list[str]] = field(default_factory=list)
    timeout: datetime | None = None
    due: datetime | None = None
    moved_by: Happened | None = None
    converted: datetime | None = None
    redeemed: bool = False
    end: str | None = None


@dataclass
class Customer:
    """log: what happened, in the order in which it was told; read: how much of it was read"""

    log: list[Happened] = field(default_factory=list)
    read_up_to: int = 0
    walks: list[Walk] = field(default_factory=list)

    def read(self, now: datetime) -> None:
        while self.read_up_to < len(self.log):
            event = self.log[self.read_up_to]
            self.read_up_to += 1
            for walk in self.walks:
                if event is not walk.entry:
                    self._tell(walk, event, now)
            is_inside = any(walk.end is None for walk in self.walks)
            if event.kind == ENTRY and not is_inside and event.at >= now - LATENESS:
                walk = Walk(event, event.at, min(event.at, now), moved_by=event)
                self.walks.append(walk)
                self._go(walk, now, patience=MINUTE)

    def work(self, now: datetime) -> None:
        while over := [walk for walk in self.walks if walk.end is None and walk.due and walk.due <= now]:
            walk = over[0]
            assert walk.timeout is not None
            if walk.timeout > now:
                walk.due = walk.timeout
            elif any(event.at <= walk.timeout for event in self.log[self.read_up_to :]):
                walk.due = now + min(max(now - walk.timeout, timedelta(seconds=1)), MINUTE)
            else:
                walk.since = walk.timeout
                self._leave(walk, "timeout", {"rest": "used", "used": "bye", "cool": "more"}.get(walk.step))
                self._go(walk, now, patience=timedelta(0))

    def _tell(self, walk: Walk, event: Happened, now: datetime) -> None:
        if event.kind == WANTED and not walk.converted and walk.began <= event.at <= walk.began + GOAL_WITHIN:
            walk.converted = event.at
        if walk.end is not None:
            return
        if event.kind == EXIT and event.at >= walk.began:
            self._leave(walk, "exited", None)
            walk.end = "exit: order.completed"
            return
        if event.kind == REDEEMED:
            walk.redeemed = True
        wanted = {"rest": WANTED, "more": WANTED, "used": REDEEMED}.get(walk.step)
        assert walk.timeout is not None
        is_after = event.kind == REDEEMED or event.at >= walk.since
        if event.kind == wanted and is_after and event.at <= walk.timeout and event is not walk.moved_by:
            walk.moved_by, walk.since = event, min(event.at, now)
            self._leave(walk, "event", "bye" if walk.step == "more" else "thanks")
            self._go(walk, now, patience=MINUTE)

    def _leave(self, walk: Walk, outcome: str, to: str | None) -> None:
        walk.runs[-1][1] = outcome
        walk.timeout = walk.due = None
        walk.step = to or walk.step
        walk.end = None if to else "finished"

    def _go(self, walk: Walk, now: datetime, *, patience: timedelta) -> None:
        """Step after step. patience: how far behind a wait may begin without looking back"""
        enter: dict[str, Callable[[], str | None]] = {
            "gift": lambda: self._did(walk, "issued", "tell"),
            "tell": lambda: self._did(walk, "sent", "rest"),
            "rest": lambda: self._wait(walk, now, DAY, WANTED, "thanks", patience),
            "used": lambda: self._did(walk, "event", "thanks") if walk.redeemed else self._wait(walk, now, 2 * DAY),
            "thanks": lambda: self._did(walk, "sent", "cool"),
            "cool": lambda: self._wait(walk, now, HOUR),
            "more": lambda: self._wait(walk, now, DAY, WANTED, "bye", patience),
        }
        while walk.end is None and walk.timeout is None:
            if walk.step == "bye":
                self._did(walk, "done", None)
                walk.end = "bye"
            else:
                walk.step = enter[walk.step]() or walk.step

    def _did(self, walk: Walk, outcome: str, to: str | None) -> str | None:
        walk.runs.append([walk.step, outcome])
        return to

    def _wait(
        self,
        walk: Walk,
        now: datetime,
        most: timedelta,
        wanted: int | None = None,
        on_event: str | None = None,
        patience: timedelta = timedelta(0),
    ) -> str | None:
        if wanted is not None and now - walk.since > patience:
            known = sorted(self.log[: self.read_up_to], key=lambda event: event.at)
            for event in known:
                if event.kind == wanted and walk.since <= event.at <= now and event is not walk.moved_by:
                    walk.moved_by, walk.since = event, max(event.at, walk.since)
                    return self._did(walk, "event", on_event)
        walk.timeout = walk.due = now + most
        return self._did(walk, "waiting", None)
