"""How step-up says no. An approval that works no more is refused by the words of auth.errors."""

from typing import Any

from core.errors import Kind, Refusal


class StepUpRequired(Refusal):
    """The sign-in is too old or too weak for this, or the amount wants an approval (RFC 9470).

    facts  of a payment: above_minor and currency, the most that is paid without
    """

    code = "step_up_required"
    kind = Kind.UNAUTHENTICATED
    title = "Show anew who you are: by signing in again, or for a payment by an approval with your passkey"
    constraint = "ck_usage_step_up"

    def __init__(self, detail: str | None = None, *, acr_values: str = "phr", max_age: int = 120, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.challenge = (
            'Bearer realm="pocketful", error="insufficient_user_authentication", '
            'error_description="A fresh proof of who you are is asked for", '
            f'acr_values="{acr_values}", max_age="{max_age}"'
        )
