"""Who may move money, and when."""

from uuid import UUID

from flask import current_app

from core import steadiness
from core.errors import Forbidden
from core.web import principals
from wallet.errors import PaymentsOff


def refuse_when_off() -> None:
    """raises  PaymentsOff where the deployment's settings switch payments off; ClockJumped"""
    if not current_app.extensions["settings"].payments:
        raise PaymentsOff
    steadiness.check()


def merchant_id() -> UUID:
    """The merchant that this request's principal belongs to.

    raises  Forbidden where it belongs to none
    """
    found = principals.current().merchant_id
    if found is None:
        raise Forbidden
    return found
