"""What somebody can try once the demo serves: requests to paste, with real ids and tokens in them."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.demo import source_people, stage
from app.demo.play import STAFF_EMAIL
from app.demo.stage import Scene
from auth import merchants, staff, tokens
from core import clock
from core.db import connection_of, transaction
from core.settings import Settings
from core.web.principals import Principal
from wallet import accounts, seals

CLIENT = "pocketful-app"
TOKENS_LAST = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class _Cast:
    """A household with money in its wallet, the till it can pay at, and the tokens of all three doors."""

    household_id: int
    customer_id: UUID
    store_id: UUID
    simulated_id: UUID
    days: tuple[date, date]
    app_token: str
    till_token: str
    staff_token: str


def suggestions(settings: Settings, *, base_url: str) -> str:
    """The whole text, for the database that is open."""
    scene = stage.scene()
    with transaction() as session:
        cast = _cast(session, scene)
        head = seals.head(connection_of(session))
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return _TEXT.format(
        base_url=base_url,
        database_url=settings.database_url,
        client=CLIENT,
        household=cast.household_id,
        phone=source_people.phone_number(cast.household_id),
        customer=cast.customer_id,
        merchant=scene.merchant_id,
        journey=scene.journey_id,
        cross_sell=scene.lifecycle.cross_sell_id,
        head=head,
        campaign=scene.journey_campaign_id,
        simulated=cast.simulated_id,
        first=cast.days[0],
        last=cast.days[1],
        currency=scene.currency,
        verifier=verifier,
        challenge=challenge,
        app_token=cast.app_token,
        till_token=cast.till_token,
        staff_token=cast.staff_token,
    )


def _cast(session: Session, scene: Scene) -> _Cast:
    household_id = _best_filled(session, scene)
    customer_id = scene.households[household_id]
    store_id, terminal_id = next(iter(scene.tills.values()))
    till = merchants.till_of(session, terminal_id)
    terminal = Principal(kind="terminal", id=terminal_id, merchant_id=till.merchant_id, store_id=store_id)
    person = staff.principal_of(staff.by_email(session, STAFF_EMAIL))
    return _Cast(
        household_id=household_id,
        customer_id=customer_id,
        store_id=store_id,
        simulated_id=_first(session, _MOST_USED)[0],
        days=_first(session, "SELECT first_day, last_day + 1 FROM demo.play"),
        app_token=_token(Principal(kind="customer", id=customer_id), tokens.APP),
        till_token=_token(terminal, tokens.MERCHANT),
        staff_token=_token(person, tokens.ADMIN),
    )


def _best_filled(session: Session, scene: Scene) -> int:
    """The household with the most money in its wallet."""
    by_account = {accounts.of_customer(id_, scene.currency).id: number for number, id_ in scene.households.items()}
    query = "SELECT account_id FROM wallet.balance WHERE account_id = ANY(%s) ORDER BY posted DESC, account_id LIMIT 1"
    row = connection_of(session).execute(query, [list(by_account)]).fetchone()
    assert row, "every household has a wallet"
    return by_account[row[0]]


def _first(session: Session, query: str) -> Any:
    row = connection_of(session).execute(query).fetchone()
    assert row, "a finished play has simulated its campaigns and has its days"
    return row


def _token(principal: Principal, audience: str) -> str:
    return tokens.mint(principal, audience=audience, client_id="demo", now=clock.now(), ttl=TOKENS_LAST)


_MOST_USED = """
    SELECT s.campaign_id FROM demo.simulated d JOIN rewards.simulation s ON s.id = d.simulation_id
     ORDER BY (s.result->>'uses')::int DESC, s.id LIMIT 1
"""

_TEXT = """
The API answers at {base_url} (its pages: {base_url}/docs), with a worker beside it. Ctrl-C stops both.
In another terminal, in this folder:

export URL={base_url}
export DATABASE_URL='{database_url}'
export APP={app_token}
export TILL={till_token}
export STAFF={staff_token}

# Household {household} opens its app: balances, vouchers, latest entries
curl -s $URL/app/v1/home -H "Authorization: Bearer $APP"

# It tops its wallet up, and pays the merchant 12.50
curl -s $URL/app/v1/topups -H "Authorization: Bearer $APP" -H "Idempotency-Key: $RANDOM$RANDOM" \\
  --json '{{"amount": {{"amount_minor": 5000, "currency": "{currency}"}}, "source": "sandbox_ok"}}'
curl -s $URL/app/v1/payments -H "Authorization: Bearer $APP" -H "Idempotency-Key: $RANDOM$RANDOM" \\
  --json '{{"merchant_id": "{merchant}", "reference": "Coffee",
    "amount": {{"amount_minor": 1250, "currency": "{currency}"}}}}'

# It shows its code at the till, which takes a basket of 120.00 with the best vouchers
CODE=$(curl -s $URL/app/v1/code -H "Authorization: Bearer $APP" | grep -o 'PF-[A-Z2-7]*-[0-9]*' | head -1)
curl -s $URL/merchant/v1/checkouts -H "Authorization: Bearer $TILL" -H "Idempotency-Key: $RANDOM$RANDOM" \\
  --json '{{"customer_code": "'$CODE'", "currency": "{currency}", "till_reference": "try-'$RANDOM'", "apply_best": true,
    "basket": {{"lines": [{{"sku": "1", "category": "GROCERY", "quantity": "1", "amount_minor": 12000}}]}}}}'

# Marketing looks at the journey, at what its campaign has given, and at this customer's timeline and decisions
curl -s $URL/admin/v1/journeys/{journey} -H "Authorization: Bearer $STAFF"
curl -s $URL/admin/v1/campaigns/{campaign} -H "Authorization: Bearer $STAFF"
curl -s "$URL/admin/v1/customers/{customer}/timeline?limit=5" -H "Authorization: Bearer $STAFF"
curl -s $URL/admin/v1/customers/{customer}/decisions -H "Authorization: Bearer $STAFF"

# It looks at what the cross-sell brought and caused, and why this customer is, or is not, in it
curl -s $URL/admin/v1/journeys/{cross_sell}/results -H "Authorization: Bearer $STAFF"
curl -s $URL/admin/v1/journeys/{cross_sell}/effects -H "Authorization: Bearer $STAFF"
curl -s "$URL/admin/v1/customers/{customer}/decisions?about={cross_sell}&limit=3" -H "Authorization: Bearer $STAFF"

# It looks at what the simulation of a real campaign has found, and plays another draft over all days
curl -s $URL/admin/v1/campaigns/{simulated}/simulations -H "Authorization: Bearer $STAFF"
curl -s $URL/admin/v1/campaigns/{campaign}/simulations -H "Authorization: Bearer $STAFF" \\
  -H "Idempotency-Key: $RANDOM$RANDOM" --json '{{"since": "{first}T00:00:00Z", "until": "{last}T00:00:00Z",
    "take_up_bps": 2000}}'
curl -s $URL/admin/v1/campaigns/{campaign}/simulations -H "Authorization: Bearer $STAFF"

# Finance looks at the merchant's settlement, and at the safeguarding reports
curl -s $URL/admin/v1/settlements -H "Authorization: Bearer $STAFF"
curl -s $URL/admin/v1/finance/safeguarding-reports -H "Authorization: Bearer $STAFF"

# The operator hashes every transfer that is sealed up to now, at any later time, and audits the ledger
.venv/bin/flask --app wsgi wallet verify --head {head}
.venv/bin/flask --app wsgi wallet check

# Sign in as the household by its phone number: ask for a code, read it in the sandbox, trade it for tokens
curl -s $URL/oauth/authorize-challenge -d client_id={client} --data-urlencode login_hint={phone} \\
  -d code_challenge_method=S256 -d code_challenge={challenge}
.venv/bin/flask --app wsgi sandbox messages --to {phone}
curl -s $URL/oauth/authorize-challenge -d client_id={client} -d auth_session=THE_AUTH_SESSION -d otp=THE_CODE
curl -s $URL/oauth/token -d grant_type=authorization_code -d client_id={client} -d code=THE_AUTHORIZATION_CODE \\
  -d code_verifier={verifier}

# Lay the table again, at any time
.venv/bin/flask --app wsgi demo check
"""
