"""What comes in and goes out about offline tokens, between the wire's shapes and ours."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from core.errors import Refusal
from core.settings import Settings
from core.web import unproxied
from rewards.api import shapes
from rewards.offline import signing
from rewards.offline.issuing import Policy
from rewards.offline.records import Record, Synced
from rewards.offline.signing import Signer
from rewards.offline.syncing import Desk
from wallet.paying.tills import Till


def signer() -> Signer:
    return signing.signer(settings().offline_signing_keys)


def policy() -> Policy:
    return Policy(
        lives=timedelta(hours=settings().offline_token_hours),
        gift_card_most_minor=settings().offline_gift_card_most_minor,
    )


def desk() -> Desk:
    return Desk(signer(), timedelta(hours=settings().offline_sync_hours))


def settings() -> Settings:
    found: Settings = unproxied.app().extensions["settings"]
    return found


def record(given: dict[str, Any], till: Till) -> Record:
    return Record(till=till, **{**given, "basket": shapes.basket(given["basket"])})


def result(till_reference: str, outcome: Synced | Refusal) -> dict[str, Any]:
    is_kept = isinstance(outcome, Synced)
    return {
        "till_reference": till_reference,
        "replayed": isinstance(outcome, Synced) and outcome.replayed,
        "redemption": redemption(outcome) if isinstance(outcome, Synced) else None,
        "code": None if is_kept else outcome.code,
        "retryable": not isinstance(outcome, Synced) and outcome.retryable,
    }


def redemption(synced: Synced) -> dict[str, Any]:
    amounts = {
        "amount": synced.amount_minor,
        "redeemed": synced.redeemed_minor,
        "lost": synced.lost_minor,
        "paid": synced.paid_minor,
    }
    return {
        "id": synced.id,
        "till_reference": synced.till_reference,
        "state": synced.state,
        **{name: {"amount_minor": minor, "currency": synced.currency} for name, minor in amounts.items()},
        "code": synced.code,
        "cause": synced.cause,
        "borne_by": synced.borne_by,
        "voucher_id": synced.voucher_id,
        "redemption_id": synced.redemption_id,
        "accepted_at": synced.accepted_at,
        "synced_at": synced.synced_at,
        "reversed_at": synced.reversed_at,
    }


def for_staff(found: tuple[Till, Synced]) -> dict[str, Any]:
    till, synced = found
    return {
        **asdict(till),
        **redemption(synced),
        "status": synced.state,
        "customer_id": synced.customer_id,
    }
