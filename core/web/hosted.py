"""Hosted pages: small forms that we serve ourselves to whoever holds a signed link, without a cookie or a script.

Nobody keeps them, indexes them, frames them, or is told where they were come from.
"""

from collections.abc import Iterable

from flask import Response, current_app
from markupsafe import Markup, escape


def page(title: str, *parts: Markup, status: int = 200) -> Response:
    """A page under the brand's name."""
    brand = escape(current_app.extensions["settings"].brand_name)
    body = _PAGE.format(brand=brand, title=escape(title), parts=Markup("\n").join(parts))
    response = Response(body, status=status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(text)


def form(parts: Iterable[Markup], *, button: str, name: str = "", value: str = "") -> Markup:
    """A form that posts to the page's own address; its button has a name and a value where they are given."""
    said = Markup(' name="{}" value="{}"').format(name, value) if name else Markup()
    inner = Markup("\n").join(parts)
    return Markup('<form method="post">\n{}\n<p><button{}>{}</button></p>\n</form>').format(inner, said, button)


def choice(name: str, label: str, *, is_chosen: bool, hint: str = "") -> Markup:
    """A box to tick, with a smaller line below it."""
    ticked = Markup(" checked") if is_chosen else Markup()
    small = Markup("<br><small>{}</small>").format(hint) if hint else Markup()
    box = Markup('<input type="checkbox" name="{}" value="yes"{}>').format(name, ticked)
    return Markup("<p><label>{} {}</label>{}</p>").format(box, label, small)


def hidden(name: str, value: str) -> Markup:
    """What the form sends along unseen."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · {brand}</title>
<body style="font-family: system-ui, sans-serif; max-width: 30rem; margin: 0 auto; padding: 8vh 1rem">
<h1>{brand}</h1>
<h2>{title}</h2>
{parts}
</body>
</html>
"""
