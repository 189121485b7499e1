"""`flask identity verdict` plays the sandbox's provider, and no other."""

from uuid import UUID

from flask import Flask

from core import ids
from core.gateways.identity import SandboxIdentity
from core.gateways.stripe_identity import StripeIdentity
from tests.wallet.identity.conftest import check_now, submit, tier_of
from wallet.identity.cli import identity

SANDBOX = SandboxIdentity([])


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(identity, ["verdict", *arguments])
    return result.exit_code, result.output.strip()


def test_verdict_decides_a_check_at_the_sandbox(app: Flask, customer_id: UUID) -> None:
    check = submit(SANDBOX, customer_id, "sandbox_review").check

    rejected = run(app, str(check.id), "rejected", "--reason", "document_expired")
    assert check_now(check.id).reasons == ["document_expired"]
    approved = run(app, str(check.id), "approved")

    assert rejected == (0, "rejected; the customer's tier is basic")
    assert approved == (0, "approved; the customer's tier is verified")


def test_verdict_is_not_given_for_a_real_provider(app: Flask, customer_id: UUID, gateway: StripeIdentity) -> None:
    check = submit(gateway, customer_id).check

    assert run(app, str(check.id), "approved") == (
        1,
        "Error: this check is not at the sandbox: the provider decides it",
    )
    assert run(app, str(ids.new()), "approved") == (1, "Error: no provider has such a check")

    assert tier_of(customer_id) == "basic"
