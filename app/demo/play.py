"""The play: the files' days carried out one after the other, through the functions that the API calls."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from app import wiring
from app.demo import (
    batches,
    caused,
    lifecycle,
    live_journey,
    offers,
    people,
    settling,
    shops,
    simulating,
    source,
    sso,
    stage,
    wallet_scene,
    windows,
)
from app.demo.beside import OTHERS, PROFILES, Beside, beside, of_journeys, whole
from app.demo.progress import Bars, Done
from app.demo.provider import Provider
from app.demo.responses import Responses
from app.demo.source import RedemptionOf
from app.demo.source_campaigns import past_campaigns
from app.demo.source_facts import facts
from app.demo.source_files import Files, Window
from app.demo.stage import Played, Scene
from app.demo.telling import Section
from app.demo.tills import Tills
from app.worker import drain
from auth import staff
from core import clock
from core.db import transaction
from core.events import Reader
from core.gateways.registry import Gateways
from core.settings import Settings
from core.work import Work

#: Baskets a transaction, so that none of them comes near the 250 ms that a writing transaction may last.
AT_ONCE = 150

STAFF_EMAIL = "marketing@pocketful.example"
ROLES = ("finance", "marketer", "support")


@dataclass
class SimulatedClock:
    """What the house's entry points read while the play goes on."""

    at: datetime

    def read(self) -> datetime:
        return self.at


class House:
    """What the worker of this house does, driven by the play instead of a worker."""

    def __init__(self, work: Sequence[Work]) -> None:
        self._idle, self._busy = list(work), list[Work]()

    def catch_up(self, readers: Sequence[Reader], now: datetime) -> None:
        """Let these readers read all there is and do what is due.

        Lines that never had anything to do are asked once a time, when all others are done.
        """
        while True:
            drain([whole(reader) for reader in readers], self._busy, now=now)
            woken = [line for line in self._idle if line.run(now)]
            if not woken:
                return
            self._busy += woken
            self._idle = [line for line in self._idle if line not in woken]


def play(settings: Settings, gateways: Gateways, files: Files, window: Window, bars: Bars, papers: Path) -> Played:
    """Play the window in the demo's database, opened and empty, and note that it was played whole.

    papers   the folder for the documents of the scene that ends the play
    raises   ReplayRefused when the house says no to something that really happened
    """
    begins, ends = windows.bounds(window)
    hands = SimulatedClock(begins - timedelta(hours=1))
    provider = Provider(hands.read)
    gateways = replace(gateways, payments=provider)
    house = House(wiring.work(settings, gateways))
    with clock.simulated(hands.read), beside(settings) as second:
        started = time.monotonic()
        actor = _add_staff(now=hands.at)
        scene = _set_up(files, window, house, bars, currency=settings.brand_currency, actor=actor, now=hands.at)
        stage.keep_scene(scene)
        ready = time.monotonic()
        baskets = _play_days(files, window, scene, house, gateways, hands, second, bars)
        hands.at = ends - timedelta(microseconds=1)
        house.catch_up(wiring.READERS, hands.at)
        finished = time.monotonic()
        told = []
        with bars.part("the wallet's scenes", wallet_scene.PARTS) as done:
            for section in wallet_scene.play(scene, settings, provider, folder=papers, actor=actor, ends=ends):
                told.append(section)
                done(1)
        told.append(_sign_in(scene, settings, hands, actor=actor, ends=ends))
        told += _simulate(files, window, scene, bars, actor=actor, ends=ends)
        told += _lifecycle(scene, window, bars, actor=actor, ends=ends)
        stage.keep_told(told)
    played = Played(window, baskets, finished - ready, ready - started, clock.now())
    stage.keep_played(played)
    return played


def _set_up(
    files: Files, window: Window, house: House, bars: Bars, *, currency: str, actor: str, now: datetime
) -> Scene:
    """Everyone and everything that is there before the first basket."""
    households, stores = source.households(files, window), source.stores(files, window)
    products, pairs = source.products(files, window), source.campaigns(files, window)

    with bars.part("households sign up", len(households)) as done:
        customers = _merged(people.sign_up(households, now=now), done)
    house.catch_up(wiring.READERS, now)
    merchant_id = shops.open_merchant(now=now)
    settling.agree(merchant_id, currency=currency, actor=actor, now=now)
    with bars.part("stores open", len(stores)) as done:
        opened = _merged(shops.open_stores(stores, merchant_id=merchant_id, now=now), done)
    with bars.part("products are imported", len(products)) as done:
        for count in shops.import_products(products):
            done(count)
    with bars.part("coupons are prepared", len(pairs)) as done:
        parts = offers.create(pairs, customers, merchant_id=merchant_id, currency=currency, actor=actor, now=now)
        made = _merged(parts, done)
    journey = live_journey.publish(currency=currency, actor=actor, now=now)
    drawn = lifecycle.publish(products, window, currency=currency, actor=actor, now=now)
    house.catch_up(wiring.READERS, now)
    return Scene(
        currency=currency,
        merchant_id=merchant_id,
        journey_id=journey.journey_id,
        journey_campaign_id=journey.campaign_id,
        households=customers,
        tills=opened,
        offers=made,
        lifecycle=drawn,
    )


def _play_days(
    files: Files, window: Window, scene: Scene, house: House, gateways: Gateways, hands: SimulatedClock,
    second: Beside, bars: Bars,
) -> int:  # fmt: skip
    """Play day after day; at each day's end the journey has seen it and done what it does."""
    own = of_journeys(wiring.READERS)
    responses = Responses(scene.journey_campaign_id, {id_: number for number, id_ in scene.households.items()})
    tills = Tills(scene, gateways.payments, responses, _redemptions(files, window))
    count = 0
    with bars.part("baskets are paid", facts(files, window).baskets) as done:
        for _, of_day in groupby(source.baskets(files, window), lambda basket: windows.local_day(basket.occurred_at)):
            for stretch in batches.of(of_day, AT_ONCE):
                hands.at = stretch[-1].occurred_at
                second.read(PROFILES, hands.at)
                tills.play(stretch)
                count += len(stretch)
                done(len(stretch))
            second.read(OTHERS, hands.at)
            house.catch_up(own, hands.at)
            second.wait()
            responses.look()
    return count


def _simulate(
    files: Files, window: Window, scene: Scene, bars: Bars, *, actor: str, ends: datetime
) -> Iterator[Section]:
    past = past_campaigns(files, window)
    with bars.part("campaigns are simulated", len(past)) as done:
        found = []
        for each in past:
            simulation_id, result = simulating.simulate(scene, each, actor=actor, now=ends)
            stage.keep_simulation(each.number, simulation_id)
            found.append((each, result))
            done(1)
    yield simulating.told(found)
    if planned := simulating.forecast(scene, past, window, actor=actor, now=ends):
        yield planned


def _lifecycle(scene: Scene, window: Window, bars: Bars, *, actor: str, ends: datetime) -> Iterator[Section]:
    households = {id_: number for number, id_ in scene.households.items()}
    with bars.part("effects are told, and a journey backtested", 2) as done:
        yield from caused.told(scene.lifecycle, households, window, ends=ends)
        done(1)
        yield caused.backtest(scene.lifecycle, window, actor=actor, ends=ends)
        done(1)


def _sign_in(scene: Scene, settings: Settings, hands: SimulatedClock, *, actor: str, ends: datetime) -> Section:
    """After the wallet's scenes, and what follows is as it was."""
    before, hands.at = hands.at, ends + timedelta(days=2)
    told = sso.play(scene, settings, actor=actor, at=hands.at)
    hands.at = before
    return told


def _redemptions(files: Files, window: Window) -> dict[int, list[RedemptionOf]]:
    by_basket: dict[int, list[RedemptionOf]] = defaultdict(list)
    for redemption in source.redemptions(files, window):
        by_basket[redemption.basket_id].append(redemption)
    return by_basket


Key = TypeVar("Key")
Value = TypeVar("Value")


def _merged(parts: Iterator[dict[Key, Value]], done: Done) -> dict[Key, Value]:
    """The parts in one, telling how many each held as it comes."""
    merged: dict[Key, Value] = {}
    for part in parts:
        merged |= part
        done(len(part))
    return merged


def _add_staff(*, now: datetime) -> str:
    """The person whose deeds the campaigns and the journey are; their name for the audit log."""
    with transaction() as session:
        person = staff.add(session, email=STAFF_EMAIL, name="Demo Marketing", roles=ROLES, now=now)
        return staff.principal_of(person).name
