"""`python -m bench.crash.people COUNT`: customers with money and no limits, and a merchant, in the database of the
environment; tells their ids and tokens as JSON."""

import json
import sys
from datetime import timedelta

from app import start
from auth import customers, merchants, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.settings import Settings
from core.web.principals import Principal
from wallet import accounts, ledger, limits
from wallet.ledger import Transfer

MONEY = 10_000_000


def main(count: int) -> None:
    start.open_house(Settings.from_env())
    now = clock.now()
    with transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Corner Shop", now=now).id
        found = [
            customers.sign_up(session, phone=f"+1415200{number:04d}", locale=None, time_zone=None, now=now).id
            for number in range(count)
        ]
        limits.set_tiers(session, found, "enhanced", now=now)
        cash, provider = [accounts.of_customer(each, "USD") for each in found], accounts.of_provider("USD")
        accounts.open_all(session, [*cash, provider, accounts.of_merchant(merchant_id, "USD")])
        given = [
            Transfer(
                id=ids.new(), principal="bench", key=str(ids.new()), fingerprint=b"", kind="test", effective_at=now,
                legs=(provider.leg(-MONEY), each.leg(MONEY)),
            )
            for each in cash
        ]  # fmt: skip
        ledger.post_all(connection_of(session), given)
    minted = {
        str(each): tokens.mint(
            Principal(kind="customer", id=each), audience=tokens.APP, client_id="bench", now=now, ttl=timedelta(hours=6)
        )
        for each in found
    }
    print(json.dumps({"merchant_id": str(merchant_id), "tokens": minted}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
