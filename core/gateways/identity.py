"""Who a customer is: a provider looks at their identity document and says whether they are who they say."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.gateways import signatures
from core.gateways.outcomes import Refused, Retry, Unknown


@dataclass(frozen=True, slots=True)
class Handover:
    """What the app opens the provider's own screens with, where the provider takes the pictures itself.

    token   for the provider's SDK
    url     the same in a browser
    """

    token: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The provider's word. reasons: its codes for a rejection, never what stood in the document."""

    is_approved: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a check stands with the provider, which has it under `provider_reference`; without a verdict it goes on."""

    provider_reference: str
    verdict: Verdict | None = None
    handover: Handover = field(default_factory=Handover)


@dataclass(frozen=True, slots=True)
class Notice:
    """A provider's call-back about the check that we submitted as `reference`."""

    reference: UUID
    standing: Standing


IdentityOutcome = Standing | Refused | Retry | Unknown


class IdentityGateway(Protocol):
    """Has identities checked; never raises for what the provider or the network does."""

    @property
    def name(self) -> str: ...

    def submit(self, *, reference: UUID, document_token: str | None) -> IdentityOutcome:
        """Open a check. The same reference asked again is the same check, so an Unknown is settled by asking again."""
        ...

    def ask(self, provider_reference: str) -> IdentityOutcome:
        """How a check stands."""
        ...

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> Notice | None:
        """What a call-back says; None where it is about nothing of ours.

        at      by the real clock, which the provider signs by
        raises  signatures.Forged
        """
        ...


class SandboxIdentity:
    """Test documents. The answer hangs on the token alone, so it needs no memory.

    sandbox_approved  approved at once
    sandbox_rejected  rejected at once: document_expired
    sandbox_review    no verdict until a call-back brings one
    sandbox_timeout   unknown, however often it is asked
    anything else     refused: unknown_document

    A call-back is {"id": provider's reference, "reference": ours, "status": "approved" | "rejected" | "review",
    "reasons": [...]}, signed in `Identity-Signature`.
    """

    name = "sandbox"

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    def submit(self, *, reference: UUID, document_token: str | None) -> IdentityOutcome:
        prefix, _, kind = (document_token or "").partition("_")
        if prefix != "sandbox" or kind not in (*self._VERDICTS, "timeout"):
            return Refused(code="unknown_document", permanent=True)
        if kind == "timeout":
            return Unknown(reason="timeout")
        return self.ask(f"sandbox_{kind}_{hashlib.sha256(reference.bytes).hexdigest()[:24]}")

    def ask(self, provider_reference: str) -> IdentityOutcome:
        kind = provider_reference.split("_")[1]
        verdict = self._VERDICTS[kind]
        handover = Handover() if verdict else Handover(token=f"{provider_reference}_secret")
        return Standing(provider_reference, verdict, handover)

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> Notice | None:
        signatures.check(headers.get("Identity-Signature", ""), body, secrets=self._secrets, at=at)
        try:
            told = json.loads(body)
            verdict = {"approved": Verdict(True), "rejected": Verdict(False, _codes(told.get("reasons")))}.get(
                told["status"]
            )
            return Notice(UUID(told["reference"]), Standing(str(told["id"]), verdict))
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    _VERDICTS = {"approved": Verdict(True), "rejected": Verdict(False, ("document_expired",)), "review": None}


def _codes(given: object) -> tuple[str, ...]:
    return tuple(str(code)[:100] for code in given[:20]) if isinstance(given, list) else ()
