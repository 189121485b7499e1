"""What a customer does with a signed link, without signing in: preferences, and unsubscribing with one click."""

from collections.abc import Collection, Mapping
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from markupsafe import Markup
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.insisting import insist
from core.web import hosted, landing
from engage.consents import preferences, signing, unsubscribing
from engage.consents.errors import WordingUnknown
from engage.consents.preferences import Choice, Key
from engage.consents.signing import Claim

blueprint = Blueprint("engage_consents_public", __name__, description="Preferences behind signed links")
landing.show_for_wrong_links(blueprint, "show_preferences", "show_unsubscribing")

_HTML = {"type": "string"}

#: No link: who holds one that stops a channel (a mail's headers pass through many hands) is not given more.
_MORE = hosted.paragraph("Your other preferences are in the app, and behind the link at the end of our messages.")

_CHANNEL_NAMES = {
    "push": "notifications on your phone",
    "sms": "text messages",
    "whatsapp": "WhatsApp",
    "email": "e-mail",
}
_PURPOSE_NAMES = {"marketing": "Offers and news", "transactional": "Messages about what you do with us"}


@blueprint.get("/p/<token>")
@blueprint.response(200, _HTML, content_type="text/html")
@blueprint.alt_response(404, description="The link is wrong or too old")
def show_preferences(token: str) -> Response:
    """What a customer allows, as a page with a form (the link is in each e-mail). Looking changes nothing."""
    with transaction() as session:
        claim = _claimed(session, token)
        if claim is None or claim.scope != signing.PREFERENCES:
            return _gone()
        return _form(preferences.of(session, claim.customer_id))


@blueprint.post("/p/<token>")
@blueprint.response(200, _HTML, content_type="text/html")
@blueprint.alt_response(404, description="The link is wrong or too old")
@blueprint.alt_response(409, description="The page had changed meanwhile; nothing was saved")
def save_preferences(token: str) -> Response:
    """Save what the page's form says: the choices that it showed, ticked or not."""
    try:
        shown, granted = _chosen()
        # A no must not be lost to a lock that a sender holds.
        return insist(lambda: _save(token, shown, granted))
    except WordingUnknown:
        told = hosted.paragraph("It has changed. Open your link again, please.")
        return hosted.page("Nothing was saved", told, status=409)


@blueprint.get("/u/<token>")
@blueprint.response(200, _HTML, content_type="text/html")
@blueprint.alt_response(404, description="The link is wrong or too old")
def show_unsubscribing(token: str) -> Response:
    """Ask whether to stop; only the button (or a mail program's own POST) does."""
    with transaction() as session:
        claim = _claimed(session, token)
    if claim is None or claim.scope == signing.PREFERENCES:
        return _gone()
    asked = hosted.paragraph(f"Do you want no more offers and news by {_CHANNEL_NAMES[claim.scope]}?")
    button = hosted.form([], button="Stop them", name="List-Unsubscribe", value="One-Click")
    return hosted.page("Stop offers and news", asked, button, _MORE)


@blueprint.post("/u/<token>")
@blueprint.response(200, _HTML, content_type="text/html")
@blueprint.alt_response(404, description="The link is wrong or too old")
def unsubscribe(token: str) -> Response:
    """Stop marketing by the link's channel at once (RFC 8058: form field `List-Unsubscribe=One-Click`)."""
    is_asked = request.form.get("List-Unsubscribe") == "One-Click"
    # A mail program asks once, and tells its user that it is done.
    claim = insist(lambda: _stop(token, is_asked=is_asked))
    if claim is None:
        return _gone()
    if not is_asked:
        return hosted.page("Nothing was changed", hosted.paragraph("Please use the button."), status=400)
    done = hosted.paragraph(f"You will get no more offers and news by {_CHANNEL_NAMES[claim.scope]}.")
    return hosted.page("It is done", done, _MORE)


def _save(token: str, shown: Mapping[Key, UUID | None], granted: Collection[Key]) -> Response:
    with transaction() as session:
        claim = _claimed(session, token)
        if claim is None or claim.scope != signing.PREFERENCES:
            return _gone()
        preferences.choose(session, claim.customer_id, shown=shown, granted=granted, source="page", now=clock.now())
        return _form(preferences.of(session, claim.customer_id), said="Saved.")


def _stop(token: str, *, is_asked: bool) -> Claim | None:
    """What the link says, and does where it is asked to; None for one that is not good."""
    with transaction() as session:
        claim = _claimed(session, token)
        if claim is None or claim.scope == signing.PREFERENCES:
            return None
        if is_asked:
            unsubscribing.stop(session, claim.customer_id, claim.scope, now=clock.now())
        return claim


def _claimed(session: Session, token: str) -> Claim | None:
    """What a good link of a customer who is still there says."""
    claim = signing.read(token, now=clock.now())
    return claim if claim is not None and preferences.is_open_to(session, claim.customer_id) else None


def _gone() -> Response:
    """One page whatever is wrong, so that it tells a guesser nothing."""
    told = hosted.paragraph("It is wrong or too old. You find your preferences in the app as well.")
    return hosted.page("This link does not work", told, status=404)


def _form(choices: list[Choice], *, said: str = "") -> Response:
    told = [hosted.paragraph(said)] if said else []
    parts: list[Markup] = []
    for purpose, name in _PURPOSE_NAMES.items():
        parts.append(Markup("<h3>{}</h3>").format(name))
        parts += [_choice(choice) for choice in choices if choice.purpose == purpose]
    return hosted.page("Your preferences", *told, hosted.form(parts, button="Save"))


def _choice(choice: Choice) -> Markup:
    name = f"{choice.channel}.{choice.purpose}"
    hint = choice.wording.text if choice.wording else ""
    if choice.is_blocked:
        hint = f"{hint} Your number has sent STOP: send START to get them again.".strip()
    box = hosted.choice(name, f"By {_CHANNEL_NAMES[choice.channel]}", is_chosen=choice.is_granted, hint=hint)
    return box + hosted.hidden(f"shown.{name}", str(choice.wording.id) if choice.wording else "")


def _chosen() -> tuple[dict[Key, UUID | None], set[Key]]:
    """What the form showed, each with its wording, and what was ticked.

    raises  WordingUnknown where it is not what we had made
    """
    shown: dict[Key, UUID | None] = {}
    for field, value in request.form.items():
        if field.startswith("shown."):
            _, _, name = field.partition(".")
            channel, _, purpose = name.partition(".")
            try:
                shown[channel, purpose] = UUID(value) if value else None
            except ValueError as error:
                raise WordingUnknown from error
    return shown, {(channel, purpose) for channel, purpose in shown if f"{channel}.{purpose}" in request.form}
