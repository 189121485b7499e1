"""oauth4webapi, unmodified, over TLS: each answer is read by its own strict reader."""

import psycopg

from auth.oauth.clients import Client
from tests.auth import partners
from tests.auth.clients.node.conftest import SECRET, Run
from tests.auth.conftest import PHONE

SCRIPT = "oauth4webapi.mjs"


def test_a_whole_sign_in_step_by_step(partner: Client, run: Run) -> None:
    told = run(SCRIPT, part="whole", clientId="books", secret=SECRET)

    assert told["isSame"]
    assert told["person"]["phone_number"] == PHONE
    assert told["person"]["sub"] == told["claims"]["sub"]
    assert (told["seen"]["active"], told["gone"]["active"]) == (True, False)


def test_a_no_and_an_answer_of_another_issuer(public_partner: Client, run: Run) -> None:
    told = run(SCRIPT, part="denied", clientId="shop")

    assert told["told"] == "login_required"
    assert "iss" in told["mixedUp"]


def test_a_key_from_the_first_request_on(run: Run, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "bound", dpop="always"):
        assert run(SCRIPT, part="dpop", clientId="bound") == {"type": "dpop", "isSame": True, "bare": 401}
