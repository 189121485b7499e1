"""Links of messages: the short ones that lead on, and what opens on a telephone without the app."""

import base64
import re

from flask import Response, request
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.errors import NotFound
from core.web import landing, pictures
from engage.links import codes as link_codes
from engage.links import following, people
from engage.links.models import OPEN, VOUCHER
from rewards.vouchers import codes

blueprint = Blueprint("engage_public", __name__, description="Links of messages")
landing.show_for_wrong_links(blueprint, "show_claim_link", "follow_link")

_BINARY = {"type": "string", "format": "binary"}

#: One transparent dot.
_DOT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

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


@blueprint.get("/l/<code>")
@blueprint.response(302, description="Where the link leads")
@blueprint.alt_response(404, description="A wrong link, an old one, or one to what is not there any more")
def follow_link(code: str) -> Response:
    """The short link of a message. An app that takes it over asks here without following, and opens what Location says.

    Previews of messengers and scanners of mail are answered, but count as nobody's click and see no voucher's code.
    """
    _check(code)
    is_person = people.is_person(request.method, dict(request.headers))
    with transaction() as session:
        link = (following.follow if is_person else following.find)(session, code, now=clock.now())
        if link.kind == OPEN:
            raise NotFound
        if link.kind == VOUCHER and not is_person:
            return landing.page("There is a voucher for you. Open the link to see it.")
        address = following.address_of(session, link, now=clock.now())
    return _unkept(Response(status=302, headers={"Location": address}))


@blueprint.get("/v/<code>.png")
@blueprint.response(200, _BINARY, content_type="image/png")
@blueprint.alt_response(404, description="A wrong link, an old one, or one to what is not there any more")
def show_voucher_picture(code: str) -> Response:
    """The QR of a voucher, as a mail shows it. Whoever has the mail has the picture, as they have its link."""
    _check(code)
    with transaction() as session:
        shown = following.code_of(session, following.find(session, code, now=clock.now()))
    return _unkept(Response(pictures.qr_png(shown), content_type="image/png"))


@blueprint.get("/o/<code>.gif")
@blueprint.response(200, _BINARY, content_type="image/gif")
@blueprint.alt_response(404, description="A wrong link, or an old one")
def note_opening(code: str) -> Response:
    """The dot in a mail that tells that it was opened, as far as mail programs say."""
    _check(code)
    with transaction() as session:
        following.note_opening(session, code, counts=request.method == "GET", now=clock.now())
    return _unkept(Response(_DOT, content_type="image/gif"))


def _check(code: str) -> None:
    """What cannot be a code is looked up nowhere."""
    if not link_codes.CODE.match(code):
        raise NotFound


def _unkept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
