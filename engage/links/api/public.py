"""Claim links: what opens where a message's link is followed on a telephone without the app."""

import re

from flask import Response
from flask_smorest import Blueprint

from core.errors import NotFound
from core.web import landing
from rewards.vouchers import codes

blueprint = Blueprint("engage_public", __name__, description="Claim links")

_CODE = re.compile(rf"[0-9A-Z]{{{codes.SHORTEST},{codes.LONGEST}}}")

#: A code as it may be printed: hyphens where its pattern has them.
_PRINTED = re.compile(r"[0-9A-Z]+(-[0-9A-Z]+)*")


@blueprint.get("/c/<code>")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_claim_link(code: str) -> Response:
    """The page behind a voucher's link. A telephone that has the app opens the app instead (a universal link)."""
    # Nothing is looked up: the page tells whoever has the link only what stands in it, so there is nothing to guess.
    normal = codes.normalise(code)
    if not _CODE.fullmatch(normal) or codes.is_mistyped(normal):
        raise NotFound
    printed = code.upper()
    # Hyphens stay where they were printed, and so do letters that look like digits.
    shown = printed if "-" in printed and _PRINTED.fullmatch(printed) else codes.display(normal)
    todo = "Show this code at the till, or open the app and add it to your wallet."
    return landing.page("Your voucher", landing.loud(shown), todo)
