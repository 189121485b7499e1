"""In whatever order a provider's words arrive, and however often: the same end, announced once."""

from itertools import count

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core import clock
from core.db import transaction
from core.gateways.identity import Notice, SandboxIdentity, Standing, Verdict
from tests.wallet.doors import sign_up
from tests.wallet.identity.conftest import check_now, submit, tier_of
from wallet.identity import checks

SANDBOX = SandboxIdentity([])
APPROVED, REJECTED, GOES_ON = Verdict(True), Verdict(False, ("document_expired",)), None

_numbers = count(1)


@given(words=st.lists(st.sampled_from([APPROVED, REJECTED, GOES_ON, "asked", "forgotten"]), max_size=7))
@example(words=[REJECTED, APPROVED, REJECTED, GOES_ON])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_verdicts_in_any_order_end_the_same(database: None, words: list[Verdict | str | None]) -> None:
    customer_id = sign_up(f"+1202555{next(_numbers):04}")
    check = submit(SANDBOX, customer_id, "sandbox_review").check

    for word in words:
        if isinstance(word, str):
            later = clock.now() if word == "asked" else check.created_at + checks.PATIENCE["waiting"]
            while checks.ask_due(SANDBOX, later):  # those of earlier examples, too
                pass
        else:
            notice = Notice(check.id, Standing(str(check.provider_reference), word))
            checks.take(notice, gateway=SANDBOX, now=clock.now())

    is_approved, is_rejected = APPROVED in words, REJECTED in words
    end = "approved" if is_approved else "rejected" if is_rejected else "expired" if "forgotten" in words else "waiting"
    assert check_now(check.id).state == end
    assert tier_of(customer_id) == ("verified" if is_approved else "basic")
    with transaction() as session:
        query = text("SELECT payload ->> 'outcome' FROM core.event WHERE name = 'identity_check.completed'"
                     " AND customer_id = :customer_id ORDER BY seq")  # fmt: skip
        told = session.scalars(query, {"customer_id": customer_id}).all()
    assert [outcome for outcome in told if outcome == "approved"] == ["approved"] * is_approved
    assert len(told) == len(set(told))
