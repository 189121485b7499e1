"""Landing pages: what a link that we sent opens on a telephone without the app; with it, the app opens instead.

A page looks nothing up: it tells whoever has the link no more than what stands in it.
"""

from flask import Response, current_app
from markupsafe import Markup, escape


def page(*paragraphs: str) -> Response:
    """The brand's name over these paragraphs; nobody keeps it, indexes it, or is told where it was come from."""
    brand = escape(current_app.extensions["settings"].brand_name)
    told = Markup("\n").join(Markup("<p>{}</p>").format(each) for each in paragraphs)
    response = Response(_PAGE.format(brand=brand, told=told), content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def loud(text: str) -> Markup:
    """A paragraph's text in large letters."""
    return Markup('<strong style="font-size: 1.4rem">{}</strong>').format(text)


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{brand}</title>
<body style="font-family: system-ui, sans-serif; text-align: center; padding: 15vh 1rem">
<h1>{brand}</h1>
{told}
</body>
</html>
"""
