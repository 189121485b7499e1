"""Redemptions over HTTP through the real server: beside the payments of the same server, and all at one hot code."""

import json
import random
from datetime import timedelta
from functools import partial

from auth import tokens
from bench.database import fresh
from bench.figures import Figure
from bench.rewards import world
from bench.rewards.world import CURRENCY, Generic
from bench.turns import in_turns, settle
from bench.wallet import http, people
from bench.wallet.http import Requests
from bench.wallet.server import serving
from core import clock
from core.settings import Settings
from core.web.principals import Principal
from wallet.paying.tills import Till

CAMPAIGNS = 100
#: What the load writes its key in place of, and how long a key is.
_KEY, _KEY_LENGTH = "{key}", 32


def measure() -> list[Figure]:
    with fresh() as settings:
        url = settings.database_url
        everyone = people.sign_up()
        tills, codes = world.tills(everyone.merchants), world.generics(CAMPAIGNS)
        settle(url)
        tokens.load_key(Settings())
        payments = http.payments_of(everyone)
        redemptions = _redemptions(tills, codes)
        hot = _redemptions(tills, codes[:1])
        with serving(url) as server:
            for requests in (payments, redemptions):
                http.load(server, requests, expected="201", count=len(requests))
            seen = in_turns(
                url,
                {
                    "pay": partial(http.load, server, payments, expected="201"),
                    "redeem": partial(http.load, server, redemptions, expected="201"),
                    "hot": partial(http.load, server, hot, expected="201"),
                },
            )
    redeem, pay, hot_rate = seen["redeem"], seen["pay"], seen["hot"]
    more = {"ours": redeem.more, "theirs": pay.more}
    return [
        Figure("rewards.redeem_http", redeem.rate, "1/s", "wallet.http, same server", pay.rate, more),
        Figure(
            "rewards.contended_http", hot_rate.rate, "1/s", f"the same over {CAMPAIGNS} codes", redeem.rate,
            {"ours": hot_rate.more},
        ),
    ]  # fmt: skip


def _redemptions(tills: list[Till], codes: list[Generic]) -> Requests:
    """One for each till and some codes; the key is the till's reference as well."""
    now = clock.now()
    found = []
    for till in tills:
        principal = Principal("terminal", till.terminal_id, merchant_id=till.merchant_id, store_id=till.store_id)
        token = tokens.mint(principal, audience=tokens.MERCHANT, client_id="bench", now=now, ttl=timedelta(hours=2))
        for generic in random.sample(codes, min(10, len(codes))):
            line = {"sku": "milk", "category": "DAIRY", "quantity": "2", "amount_minor": 450}
            asked = {"code": generic.code, "basket": {"lines": [line]}, "currency": CURRENCY, "till_reference": _KEY}
            body = json.dumps(asked)
            length = len(body) - len(_KEY) + _KEY_LENGTH
            before = (
                "POST /merchant/v1/redemptions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                f"Accept: application/json\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n"
                "Idempotency-Key: "
            )
            found.append((before, f"\r\n\r\n{body}"))
    return found
