"""Experiments over real people: 2,469 households of 2017, each with what it spent in the 30 days from any day on."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

from app.demo.source_files import Files
from insights.statistics import samples, sequences
from insights.statistics.samples import Sample
from insights.statistics.sequences import Interval

WINDOW_DAYS = 30
ENTRY_DAYS = 335
ALPHA = 0.05

#: By household, what it spent in the 30 days from each day of the year on; in cents, capped.
Spent = Sequence[Sequence[int]]


def spent(files: Files) -> Spent:
    """Capped at the 99.9th percentile, as results are."""
    days: dict[int, list[int]] = {}
    query = "select household_id, local_day, sum(total_minor)::bigint from basket group by all order by all"
    for household, day, minor in files.cursor().execute(query).fetchall():
        days.setdefault(household, [0] * (ENTRY_DAYS + WINDOW_DAYS))[(day - date(2017, 1, 1)).days] += minor
    found = [_windows(of_household) for of_household in days.values()]
    bound = sorted(minor for each in found for minor in each)[-len(found) * ENTRY_DAYS // 1_000]
    return [[min(minor, bound) for minor in each] for each in found]


def _windows(days: Sequence[int]) -> list[int]:
    sums, now = [], sum(days[:WINDOW_DAYS])
    for day in range(ENTRY_DAYS):
        sums.append(now)
        now += days[day + WINDOW_DAYS] - days[day]
    return sums


@dataclass(frozen=True)
class Look:
    """What a daily look shows: the sequence's interval, and the ordinary 95 % interval of the same customers."""

    sequence: Interval
    ordinary: Interval


def looks(
    people: Spent, *, seed: int, held_share: float, effect_minor: int = 0, planned: int | None = None
) -> Iterator[Look]:
    """One experiment: each household enters on a day drawn for it, in an arm drawn for it, and is looked at daily.

    planned  how many households were expected; None: as many as there are
    """
    chance = random.Random(seed)
    by_day: list[list[tuple[bool, int]]] = [[] for _ in range(ENTRY_DAYS)]
    for person in people:
        day, is_held = chance.randrange(ENTRY_DAYS), chance.random() < held_share
        by_day[day].append((is_held, person[day] + (0 if is_held else effect_minor)))
    arms = {False: [0, 0, 0], True: [0, 0, 0]}
    for entered in by_day:
        for is_held, minor in entered:
            arm = arms[is_held]
            arm[0], arm[1], arm[2] = arm[0] + 1, arm[1] + minor, arm[2] + minor * minor
        treated, held = Sample(*arms[False]), Sample(*arms[True])
        told = sequences.difference(treated, held, alpha=ALPHA, planned=planned or len(people))
        if told is not None:
            half = 1.96 * sqrt(treated.variance / treated.count + held.variance / held.count)
            yield Look(told, Interval(told.estimate, told.estimate - half, told.estimate + half))


def of_those_who_stay(people: Spent, *, seed: int, leaves_from_minor: int) -> tuple[Interval | None, Interval | None]:
    """One experiment without any effect, in which a message makes those treated leave before the trial who spend much:
    the interval of all for whom the trial's variant was drawn, and that of those alone who came to it.
    """
    chance = random.Random(seed)
    drawn: dict[bool, list[int]] = {False: [], True: []}
    came: dict[bool, list[int]] = {False: [], True: []}
    for person in people:
        minor, is_held = person[chance.randrange(ENTRY_DAYS)], chance.random() < 0.5
        drawn[is_held].append(minor)
        if is_held or minor < leaves_from_minor:
            came[is_held].append(minor)
    told = [
        sequences.difference(samples.of(arms[False]), samples.of(arms[True]), alpha=ALPHA, planned=len(people))
        for arms in (drawn, came)
    ]
    return told[0], told[1]
