"""Asking the provider about a top-up, as far as it has come, and recording what it says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core.db import transaction
from core.gateways.payments import Charged, ChargeOutcome, PaymentGateway, Underway
from wallet.errors import PostingRefused
from wallet.topups import outcomes
from wallet.topups.models import Topup
from wallet.topups.outcomes import Recorded, Unpostable

#: What a customer has not completed by then is called off.
ABANDONED_AFTER = timedelta(hours=24)


def ask(gateway: PaymentGateway, topup: Topup, *, now: datetime) -> ChargeOutcome:
    """One call: the charge itself while the provider has not named it, else how it stands."""
    reference = topup.provider_reference
    if reference is not None:
        is_abandoned = topup.state == "requires_action" and now >= topup.created_at + ABANDONED_AFTER
        return gateway.cancel(reference) if is_abandoned else gateway.look_up(reference)
    if topup.source is None:
        return gateway.prepare(
            reference=str(topup.id),
            amount_minor=topup.amount_minor,
            currency=topup.currency,
            payer=topup.payer or "",
        )
    return gateway.charge(
        reference=str(topup.id),
        amount_minor=topup.amount_minor,
        currency=topup.currency,
        source=topup.source,
        payer=topup.payer,
        is_off_session=topup.way == "automatic",
    )


def record(asked: Sequence[tuple[Topup, Recorded]], token: UUID, *, now: datetime) -> None:
    """Keep what the provider said of those that are leased under the token; in transactions of its own."""
    if not asked:
        return
    try:
        with transaction() as session:
            outcomes.record(session, asked, token, now=now)
    except PostingRefused as refusal:
        if len(asked) > 1:
            for one in asked:
                record([one], token, now=now)
            return
        [(topup, outcome)] = asked
        if isinstance(outcome, Charged | Underway):
            # The provider has the money and the ledger cannot take it (a closed account): an operator must see it.
            with transaction() as session:
                outcomes.record(
                    session, [(topup, Unpostable(outcome.provider_reference, refusal.code))], token, now=now
                )
        else:
            raise
