"""The sandbox's payment provider with a memory: what it charged, told as such a provider's daily report."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.gateways.payments import Charged, ChargeOutcome
from core.gateways.sandbox_payments import SandboxPayments


@dataclass(frozen=True, slots=True)
class Charge:
    amount_minor: int
    currency: str
    at: datetime


class Provider(SandboxPayments):
    """The sandbox needs no memory to answer; a provider keeps books of its own, which ours are held against."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.charges: dict[str, Charge] = {}

    def charge(
        self,
        *,
        reference: str,
        amount_minor: int,
        currency: str,
        source: str,
        payer: str | None = None,
        is_off_session: bool = False,
    ) -> ChargeOutcome:
        outcome = super().charge(
            reference=reference,
            amount_minor=amount_minor,
            currency=currency,
            source=source,
            payer=payer,
            is_off_session=is_off_session,
        )
        if isinstance(outcome, Charged):
            charge = Charge(amount_minor, currency, self._clock())
            self.charges.setdefault(outcome.provider_reference, charge)
        return outcome

    def report(self, *, closed_at: datetime, currency: str) -> bytes:
        """What it charged and so holds, as the CSV of `wallet.finance.report_files`."""
        charges = {name: each for name, each in self.charges.items() if each.at <= closed_at}
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("kind", "reference", "amount_minor", "currency", "occurred_at"))
        for name, each in charges.items():
            rows.writerow(("charge", name, each.amount_minor, each.currency, each.at.isoformat()))
        held = sum(each.amount_minor for each in charges.values())
        rows.writerow(("balance", "", held, currency, closed_at.isoformat()))
        return text.getvalue().encode()
