"""`flask wallet adjust`, `approve` and `import-transfers`."""

import csv
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import Result
from flask import Flask

from auth import staff
from core import ids
from core.db import transaction
from tests.wallet.conftest import NOW
from tests.wallet.finance.people import add_customer, first_difference, give, standing
from wallet import accounts
from wallet.cli import wallet
from wallet.finance import batch_approvals, batches

PERMISSIONS = ("adjustments.ask", "adjustments.decide", "transfers.batch", "transfers.approve")


@pytest.fixture(autouse=True)
def persons(app: Flask) -> None:
    with transaction() as session:
        for name in ("ada", "ben"):
            staff.add(session, email=f"{name}@example.com", name=name, permissions=PERMISSIONS, now=NOW)
        staff.add(session, email="cleo@example.com", name="cleo", permissions=[], now=NOW)


def run(app: Flask, *words: str, by: str = "ada") -> Result:
    return app.test_cli_runner().invoke(wallet, [*words, "--by", f"{by}@example.com"])


def test_two_people_adjust_by_command(app: Flask) -> None:
    customer_id = add_customer()
    to = f"customer:{customer_id}:cash"

    asked = run(app, "adjust", "--to", to, "--amount-minor", "500", "--reason", "goodwill", "--note", "Sorry").output
    waiting = app.test_cli_runner().invoke(wallet, ["approvals"]).output
    alone = run(app, "approve", asked.strip())
    agreed = run(app, "approve", asked.strip(), by="ben")

    assert waiting.startswith(f"{asked.strip()} wallet.adjustment by staff:")
    assert app.test_cli_runner().invoke(wallet, ["approvals"]).output == ""
    assert (alone.exit_code, "self_approval" in alone.output) == (1, True)
    assert (agreed.exit_code, f'"to": "{to}"' in agreed.output) == (0, True)
    assert standing(accounts.of_customer(customer_id, "USD")) == 500


def test_who_may_not_is_told(app: Flask) -> None:
    to = f"customer:{add_customer()}:cash"
    words = ("adjust", "--to", to, "--amount-minor", "5", "--reason", "goodwill")
    asked = run(app, *words).output.strip()

    for result in (run(app, *words, by="cleo"), run(app, "approve", asked, by="cleo")):
        assert result.exit_code == 1
        assert "lacks the permission adjustments." in result.output
    assert run(app, "adjust", "--to", "me", "--amount-minor", "5", "--reason", "goodwill").exit_code == 2
    assert "not_found" in run(app, "approve", str(ids.new())).output
    assert "/to: " in run(app, "adjust", "--amount-minor", "5", "--reason", "goodwill").output


def written(path: Path, *lines: str, header: str = "reference,kind,amount_minor,currency,customer_id,from,to") -> str:
    path.write_text("\n".join([header, *lines]) + "\n")
    return str(path)


def credit(reference: str, customer_id: UUID, amount: object = 100) -> str:
    return f"{reference},credit_cash,{amount},USD,{customer_id},,"


def debit(reference: str, customer_id: UUID, amount: object = 100) -> str:
    return f"{reference},transfer,{amount},USD,,customer:{customer_id}:cash,brand:suspense"


def test_a_file_is_imported_once_and_tells_what_was_refused(app: Flask, tmp_path: Path) -> None:
    customer_id = add_customer()
    cash = accounts.of_customer(customer_id, "USD")
    file = written(
        tmp_path / "may.csv", credit("a", customer_id), debit("b", customer_id, 101), credit("c", customer_id)
    )

    first, again = (
        run(app, "import-transfers", file, "--results", str(tmp_path / "out.csv")),
        run(app, "import-transfers", file),
    )

    assert first.exit_code == again.exit_code == 1
    assert "line 3 (b): insufficient_funds" in first.output
    assert "2 posted, 1 refused; 0 of them had been done before" in first.output
    assert "2 posted, 1 refused; 3 of them had been done before" in again.output
    assert standing(cash) == 200
    with (tmp_path / "out.csv").open() as results:
        rows = list(csv.DictReader(results))
    assert [(row["line"], row["status"], bool(row["transfer_id"])) for row in rows] == [
        ("2", "posted", True), ("3", "refused", False), ("4", "posted", True),
    ]  # fmt: skip
    assert first_difference() is None


def test_a_changed_file_under_the_same_name_posts_nothing_twice(app: Flask, tmp_path: Path) -> None:
    customer_id = add_customer()
    run(app, "import-transfers", written(tmp_path / "may.csv", credit("a", customer_id)))

    changed = run(
        app, "import-transfers", written(tmp_path / "may.csv", credit("a", customer_id), credit("b", customer_id))
    )

    assert (changed.exit_code, "idempotency_key_reused" in changed.output) == (1, True)
    assert standing(accounts.of_customer(customer_id, "USD")) == 100


def test_a_longer_file_than_a_batch_is_imported_whole(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_LINES", 2)
    customer_id = add_customer()
    file = written(tmp_path / "may.csv", *[credit(str(n), customer_id) for n in range(5)])

    assert "up to 2 lines, not 5" in run(app, "import-transfers", file, "--all-or-nothing").output
    result = run(app, "import-transfers", file)

    assert (result.exit_code, result.output) == (0, "5 posted, 0 refused; 0 of them had been done before\n")
    assert standing(accounts.of_customer(customer_id, "USD")) == 500


def test_all_or_nothing_tells_the_line_and_posts_nothing(app: Flask, tmp_path: Path) -> None:
    customer_id = add_customer()
    give(accounts.of_customer(customer_id, "USD"), 50)
    file = written(tmp_path / "may.csv", credit("a", customer_id), debit("b", customer_id, 151))

    result = run(app, "import-transfers", file, "--all-or-nothing")

    assert (result.exit_code, "line 3 (b): insufficient_funds" in result.output) == (1, True)
    assert standing(accounts.of_customer(customer_id, "USD")) == 50


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"", "there is no column reference"),
        (b"reference,kind,amount_minor,currency,colour\n", "the column 'colour' is unknown"),
        (b"reference,kind,kind,amount_minor,currency\n", "the column kind stands twice"),
        (b"reference,kind,amount_minor,currency\n", "has no lines"),
        (b"reference,kind,amount_minor,currency\na,payout,12.50,USD\n", "line 2: amount_minor: Must be a whole number"),
        (b"reference,kind,amount_minor,currency\na,payout,12,USD\n", "line 2: merchant_id: Missing"),
        (
            b"reference,kind,amount_minor,currency\na,payout,12,USD,x,y\n",
            "line 2: more cells than columns: Unknown field.",
        ),
        (b'reference,kind,amount_minor,currency\n"a"b,payout,12,USD\n', "after line 1: "),
        (b"reference,kind,amount_minor,currency\r\n\r\na,gift,1,USD\r\n", "line 3: kind: Must be one of"),
    ],
)
def test_a_bad_file_posts_nothing_and_tells_its_lines(app: Flask, tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)

    result = run(app, "import-transfers", str(path))

    assert (result.exit_code, told in result.output) == (1, True), result.output


def test_a_file_that_moves_much_is_imported_with_a_second_persons_word(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_approvals, "_above_minor", 150)
    customer_id = add_customer()
    file = written(tmp_path / "may.csv", credit("a", customer_id), credit("b", customer_id))

    refused = run(app, "import-transfers", file)
    approval = run(app, "import-transfers", file, "--ask").output.strip()
    early = run(app, "import-transfers", file, "--approval", approval)
    alone, agreed = run(app, "approve", approval), run(app, "approve", approval, by="ben")
    imported = run(app, "import-transfers", file, "--approval", approval)

    assert "approval_needed: The batch moves 200 USD" in refused.output
    assert "approval_not_given" in early.output
    assert ("self_approval" in alone.output, agreed.exit_code) == (True, 0)
    assert imported.output == "2 posted, 0 refused; 0 of them had been done before\n"
    assert standing(accounts.of_customer(customer_id, "USD")) == 200


def test_much_in_parts_is_still_much(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_approvals, "_above_minor", 250)
    monkeypatch.setattr(batches, "MOST_LINES", 2)
    customer_id = add_customer()
    file = written(tmp_path / "may.csv", *[credit(str(n), customer_id) for n in range(3)])

    assert "approval_needed" in run(app, "import-transfers", file).output
    assert standing(accounts.of_customer(customer_id, "USD")) == 0
