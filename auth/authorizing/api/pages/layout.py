"""How the pages of a sign-in look, and what all of them send along."""

from collections.abc import Collection

from flask import Response
from markupsafe import Markup

from core.web import hosted
from core.web.hosted import ANYWHERE, choice, field, form, hidden, items, link, paragraph, problem

__all__ = ["ANYWHERE", "choice", "field", "form", "hidden", "items", "link", "message", "page", "paragraph", "problem"]


def page(
    title: str,
    *parts: Markup,
    status: int = 200,
    form_action: Collection[str] = (),
    script: str | None = None,
    referrer: str = "same-origin",
) -> Response:
    """A page of a sign-in. Its forms show by their Origin that they are ours; nobody else hears where it was come from.

    form_action  ANYWHERE where what follows its forms may lead to a client
    """
    return hosted.page(title, *parts, status=status, form_action=form_action, script=script, referrer=referrer)


def message(title: str, text: str, status: int = 200) -> Response:
    """A page that only tells."""
    return page(title, paragraph(text), status=status)
