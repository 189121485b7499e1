"""Hosted pages: small pages and forms that we serve ourselves, under the brand's name and in its colour.

They work without scripts, in a narrow window and without colours. Nobody keeps them, indexes them, frames them, or is
told where they were come from; a browser runs no script in them but the one that a page was given.
"""

import base64
import hashlib
from collections.abc import Collection, Iterable

from flask import Response, current_app
from markupsafe import Markup, escape

#: For `page(form_action=…)`: its forms lead to us, and on from there to wherever. Chromium holds `form-action` against
#: every hop that follows a form's post, those of another site included: a button would do nothing, after all was done.
ANYWHERE: Collection[str] = ("*",)


def page(
    title: str,
    *parts: Markup,
    status: int = 200,
    form_action: Collection[str] = (),
    script: str | None = None,
    referrer: str = "no-referrer",
) -> Response:
    """A page under the brand's name.

    form_action  where its forms may lead beside us; ANYWHERE where what follows them leaves us
    script       runs once the page stands; it can call nobody
    referrer     "same-origin" where the page's forms have to show that they are ours: no browser tells the Origin of a
                 page that says "no-referrer"
    """
    settings = current_app.extensions["settings"]
    style = _STYLE % {"colour": settings.brand_colour, "on": text_on(settings.brand_colour)}
    body = _PAGE.format(
        brand=escape(settings.brand_name),
        title=escape(title),
        parts=Markup("\n").join(parts if script is None else [*parts, _script(script)]),
        style=Markup(style),
    )
    response = Response(body, status=status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = referrer
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Content-Security-Policy"] = _policy(style, script, form_action)
    return response


def paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(text)


def problem(text: str) -> Markup:
    """What went wrong; a screen reader says it at once."""
    return Markup('<p class="problem" role="alert">{}</p>').format(text)


def items(texts: Iterable[str]) -> Markup:
    inner = Markup("\n").join(Markup("<li>{}</li>").format(text) for text in texts)
    return Markup("<ul>\n{}\n</ul>").format(inner)


def link(text: str, address: str) -> Markup:
    return Markup('<p><a href="{}">{}</a></p>').format(address, text)


def form(
    parts: Iterable[Markup],
    *,
    button: str,
    name: str = "",
    value: str = "",
    action: str = "",
    is_quiet: bool = False,
    other: tuple[str, str, str] | None = None,
) -> Markup:
    """A form that posts to the page's own address, or to `action`; its button has a name and a value where they are
    given. is_quiet: what is rather not meant to be pressed. other: name, value and text of a second button"""
    said = Markup(' name="{}" value="{}"').format(name, value) if name else Markup()
    quiet = Markup(' class="quiet"') if is_quiet else Markup()
    target = Markup(' action="{}"').format(action) if action else Markup()
    second = Markup('\n<p><button class="quiet" name="{}" value="{}">{}</button></p>').format(*other) if other else ""
    inner = Markup("\n").join(parts)
    return Markup('<form method="post"{}>\n{}\n<p><button{}{}>{}</button></p>{}\n</form>').format(
        target, inner, said, quiet, button, second
    )


def field(
    name: str,
    label: str,
    *,
    kind: str = "text",
    autocomplete: str = "off",
    inputmode: str = "text",
    value: str = "",
    hint: str = "",
    error: str = "",
    most: int = 200,
) -> Markup:
    """A line to fill in; what is wrong with it stands beside it, for eyes and for screen readers."""
    about = [Markup('<small id="{}-{}" class="{}">{}</small>').format(name, part, part, text)
             for part, text in (("error", error), ("hint", hint)) if text]  # fmt: skip
    told = " ".join(f"{name}-{part}" for part, text in (("error", error), ("hint", hint)) if text)
    described = Markup(' aria-describedby="{}"').format(told) if told else Markup()
    wrong = Markup(' aria-invalid="true"') if error else Markup()
    return Markup(
        '<p><label for="{0}">{1}</label>\n<input id="{0}" name="{0}" type="{2}" autocomplete="{3}" inputmode="{4}" '
        'maxlength="{5}" value="{6}" required{7}{8}>\n{9}</p>'
    ).format(name, label, kind, autocomplete, inputmode, most, value, described, wrong, Markup("\n").join(about))


def choice(name: str, label: str, *, is_chosen: bool, hint: str = "") -> Markup:
    """A box to tick, with a smaller line below it."""
    ticked = Markup(" checked") if is_chosen else Markup()
    small = Markup("<br><small>{}</small>").format(hint) if hint else Markup()
    box = Markup('<input type="checkbox" name="{}" value="yes"{}>').format(name, ticked)
    return Markup("<p><label>{} {}</label>{}</p>").format(box, label, small)


def hidden(name: str, value: str) -> Markup:
    """What the form sends along unseen."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


def text_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour ("#RRGGBB"): one of them has a contrast of 4.5 on any.

    source  WCAG 2.2, relative luminance and contrast ratio
    """
    luminance = _luminance(colour)
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _script(text: str) -> Markup:
    """Ours by construction; one that ended its own element would be read as the page's text."""
    assert "</" not in text
    return Markup("<script>{}</script>").format(Markup(text))


def _policy(style: str, script: str | None, form_action: Collection[str]) -> str:
    """Style and script by their hashes: what stands in the page and is not these very texts is not run."""
    said = ["default-src 'none'", f"style-src {_hash(style)}", "base-uri 'none'", "frame-ancestors 'none'"]
    if script is not None:
        said += [f"script-src {_hash(script)}"]
    if form_action is not ANYWHERE:
        said.append(" ".join(("form-action 'self'", *form_action)))
    return "; ".join(said)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1c1c1e; background: #f4f4f6; margin: 0; }
header { background: %(colour)s; color: %(on)s; padding: 1rem; text-align: center; font-weight: 600; }
main { max-width: 26rem; margin: 2rem auto; padding: 1.5rem; background: #fff; border-radius: .75rem;
  box-shadow: 0 1px 3px rgb(0 0 0 / 15%%); overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 1rem; }
label { font-weight: 600; }
input:not([type=checkbox]) { display: block; width: 100%%; font: inherit; padding: .65rem .75rem; margin: .25rem 0;
  border: 1px solid #767680; border-radius: .5rem; background: #fff; color: inherit; }
input[aria-invalid=true] { border-color: #b00020; }
button { display: block; width: 100%%; font: inherit; font-weight: 600; padding: .75rem; border-radius: .5rem;
  border: 1px solid %(colour)s; background: %(colour)s; color: %(on)s; cursor: pointer; }
button.quiet { background: #fff; color: #1c1c1e; border-color: #767680; }
button:focus-visible, input:focus-visible { outline: 3px solid #1c1c1e; outline-offset: 2px; }
small { display: block; color: #5a5a60; }
small.error, .problem { color: #b00020; }
form + form { margin-top: -.25rem; }
@media (max-width: 28rem) { main { margin: 0; border-radius: 0; box-shadow: none; } body { background: #fff; } }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · {brand}</title>
<style>{style}</style>
</head>
<body>
<header>{brand}</header>
<main>
<h1>{title}</h1>
{parts}
</main>
</body>
</html>
"""
