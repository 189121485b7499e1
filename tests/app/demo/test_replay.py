"""Two real days played whole: they add up, and whatever is altered afterwards is found and named."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from itertools import takewhile
from typing import Any
from urllib.request import Request, urlopen

from app.demo import lifecycle, responses, stage, telling, windows
from app.demo.source_facts import facts
from core.db import connection_of, transaction
from tests.app.demo.replay import WINDOW, Stage


def one(query: str, *values: object) -> tuple[object, ...]:
    with transaction() as session:
        row = connection_of(session).execute(query, list(values)).fetchone()
    assert row
    return row


def test_days_are_played_whole_and_add_up(theatre: Stage) -> None:
    source = facts(theatre.files, WINDOW)

    status, table = theatre.check()

    assert status == 0, table
    assert "differs" not in table
    assert "balanced" in table
    assert source.redemptions == 4
    assert one("SELECT count(*) FROM rewards.redemption r JOIN demo.offer USING (campaign_id)") == (4,)
    assert one("SELECT count(*) FROM rewards.checkout") == (source.baskets,)


def test_merchant_is_owed_the_sales_and_each_cent_has_its_source(theatre: Stage) -> None:
    source = facts(theatre.files, WINDOW)
    _, ends = windows.bounds(WINDOW)
    query = """SELECT sum(e.amount) FILTER (WHERE a.purpose = 'payable' AND e.effective_at < %s),
                      (SELECT sum(amount_minor) FROM rewards.redemption JOIN demo.offer USING (campaign_id))
                 FROM wallet.entry e JOIN wallet.account a ON a.id = e.account_id"""

    assert one(query, ends) == (source.sales_minor, source.redeemed_minor)


def test_live_journey_reacts_within_the_simulated_day(theatre: Stage) -> None:
    begins, ends = windows.bounds(WINDOW)
    big = "SELECT count(DISTINCT customer_id) FROM rewards.checkout WHERE total_minor >= 10000"

    assert one("SELECT count(*) FROM engage.enrolment JOIN demo.scene USING (journey_id)") == one(big)
    late = "SELECT count(*) FROM engage.enrolment WHERE entered_at < %s OR entered_at >= %s"
    assert one(late, begins, ends) == (0,)
    sent = "SELECT count(*) FROM core.message WHERE state = 'sent'"
    assert one(sent) == one("SELECT count(*) FROM core.sandbox_message")
    assert one(sent) != (0,)


def test_bread_without_anything_to_put_on_it_begins_the_cross_sell(theatre: Stage) -> None:
    """Each household with bread in a basket, none of whose baskets up to then held the partner category."""
    entered = (
        "SELECT count(*) FROM engage.enrolment JOIN demo.lifecycle USING (journey_id) WHERE name = 'cross_sell_id'"
    )
    bread = """
        WITH line AS (
            SELECT e.customer_id, e.occurred_at, l->>'category' AS category
              FROM core.event e, jsonb_array_elements(e.payload->'lines') l WHERE e.name = 'order.completed')
        SELECT count(DISTINCT b.customer_id) FROM line b
         WHERE b.category = %s AND b.occurred_at < %s
           AND NOT EXISTS (SELECT FROM line p WHERE p.customer_id = b.customer_id AND p.category = %s
                              AND p.occurred_at < %s)"""
    begins, ends = windows.bounds(WINDOW)
    least = one(bread, lifecycle.CATEGORY, ends, lifecycle.PARTNER, ends)
    most = one(bread, lifecycle.CATEGORY, ends, lifecycle.PARTNER, begins)

    assert 0 < int(str(least[0])) <= int(str(one(entered)[0])) <= int(str(most[0]))


def test_results_count_what_the_log_holds_and_tell_no_effect_of_two_days(theatre: Stage) -> None:
    held = "SELECT count(*), count(*) FILTER (WHERE arm = 'holdout') FROM engage.outcome JOIN demo.lifecycle ON true"
    told = {section["title"]: section for section in json.loads(telling.dumped(stage.told()))}

    everybody, _ = one(held + " WHERE scope_id = journey_id AND name = 'cross_sell_id'")
    brought = {row[0]: row for row in told["Cross-sell and win-back"]["rows"]}
    caused = told["What they caused"]["rows"]

    assert brought["cross-sell"][1] == f"{everybody:,}"
    assert [row[0] for row in caused if "simulated" in row[0]] and {row[1] for row in caused} == {"0.00", "60.00"}
    assert {row[2] for row in caused} == {"too few to tell"}
    assert "A third journey, backtested" in told


def test_one_household_in_five_answers_and_always_the_same_ones() -> None:
    answering = [number for number in range(1, 2_501) if responses.redeems(number)]

    assert 450 < len(answering) < 550
    assert answering == [number for number in range(1, 2_501) if responses.redeems(number)]


def test_finished_play_is_found_again_and_only_for_its_days(theatre: Stage) -> None:
    played = stage.open_played(theatre.settings)

    assert played and played.window == WINDOW
    assert played.baskets == facts(theatre.files, WINDOW).baskets


def test_check_names_the_order_that_lost_a_cent(theatre: Stage) -> None:
    event_id, basket, customer_id, household = one(A_PAID_ORDER)
    cent_less = "UPDATE core.event SET payload = jsonb_set(payload, '{total_minor}', to_jsonb(%s::int)) WHERE id = %s"
    (total,) = one("SELECT (payload->>'total_minor')::int FROM core.event WHERE id = %s", event_id)
    assert isinstance(total, int)

    with theatre.tampering() as cursor:
        cursor.execute(cent_less, [total - 1, event_id])
    status, table = theatre.check()
    with theatre.tampering() as cursor:
        cursor.execute(cent_less, [total, event_id])

    assert status == 1
    assert "differs: sales" in table
    assert f"differs: basket {basket} of household {household} (customer {customer_id})" in table


def test_check_names_the_entry_that_gained_a_cent(theatre: Stage) -> None:
    transfer_id, account_id, basket, household = one(AN_ENTRY)

    with theatre.tampering() as cursor:
        cursor.execute(
            "UPDATE wallet.entry SET amount = amount + 1 WHERE (transfer_id, account_id) = (%s, %s)",
            [transfer_id, account_id],
        )
    status, table = theatre.check()
    with theatre.tampering() as cursor:
        cursor.execute(
            "UPDATE wallet.entry SET amount = amount - 1 WHERE (transfer_id, account_id) = (%s, %s)",
            [transfer_id, account_id],
        )

    assert status == 1
    assert "differs: payable to the merchant" in table
    assert f"differs: basket {basket} of household {household} " in table
    assert "│ balanced" not in table and f"entry of transfer {transfer_id}" in table


def test_check_names_the_order_that_changed_its_customer(theatre: Stage) -> None:
    event_id, basket, customer_id, household = one(A_PAID_ORDER)
    other_household, other_id = one(
        "SELECT household_id, customer_id FROM demo.household WHERE customer_id <> %s LIMIT 1", customer_id
    )

    with theatre.tampering() as cursor:
        cursor.execute("UPDATE core.event SET customer_id = %s WHERE id = %s", [other_id, event_id])
    status, table = theatre.check()
    with theatre.tampering() as cursor:
        cursor.execute("UPDATE core.event SET customer_id = %s WHERE id = %s", [customer_id, event_id])

    assert status == 1
    assert f"basket {basket} of household {household} (customer {customer_id})" in table
    assert f"its order names customer {other_id}, household {other_household}" in table
    assert theatre.check()[0] == 0


def test_what_was_played_is_served_until_ctrl_c(theatre: Stage) -> None:
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": theatre.settings.database_url}
    command = [sys.executable, "-c", SERVE, str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        lines = iter(demo.stdout.readline, "")
        printed = "".join(takewhile(lambda line: "Lay the table" not in line, lines))
        home = ask(port, "/app/v1/home", printed, "APP")
        settled = ask(port, "/admin/v1/settlements", printed, "STAFF")
        reconciled = ask(port, "/admin/v1/finance/safeguarding-reports", printed, "STAFF")
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()

    assert demo.returncode == 0
    assert home["balances"][0]["balance"]["amount_minor"] > 0
    assert settled["items"][0]["payout_minor"] > 0
    assert reconciled["items"][-1]["status"] == "balanced"  # the worker may have added later days to it
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def ask(port: int, path: str, printed: str, name: str) -> Any:
    """What the API answers to who bears the token that was printed under this name."""
    token = re.findall(rf"^export {name}=(.*)$", printed, re.MULTILINE)[0]
    request = Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


SERVE = """
import sys
from rich.console import Console
from app import start
from app.demo import serving
from core.settings import Settings
settings = Settings.from_env()
start.open_house(settings)
sys.exit(serving.serve(settings, host="127.0.0.1", port=int(sys.argv[1]), console=Console()))
"""

A_PAID_ORDER = """
    SELECT e.id, c.till_reference, e.customer_id, h.household_id
      FROM core.event e JOIN rewards.checkout c ON c.id = (e.payload->>'checkout_id')::uuid
      JOIN demo.household h ON h.customer_id = e.customer_id
     WHERE e.name = 'order.completed' AND c.total_minor > 100 ORDER BY c.till_reference LIMIT 1
"""

AN_ENTRY = """
    SELECT n.transfer_id, n.account_id, c.till_reference, h.household_id
      FROM wallet.entry n JOIN wallet.account a ON a.id = n.account_id AND a.purpose = 'payable'
      JOIN rewards.checkout c ON c.transfer_id = n.transfer_id JOIN demo.household h USING (customer_id)
     ORDER BY c.till_reference LIMIT 1
"""
