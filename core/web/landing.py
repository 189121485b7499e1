"""Landing pages: what a link that we sent opens on a telephone without the app; with it, the app opens instead.

A page looks nothing up: it tells whoever has the link no more than what stands in it.
"""

from flask import Blueprint, Response, current_app, request
from markupsafe import Markup, escape

from core.errors import Malformed, NotFound, Refusal
from core.web import problems


def page(*paragraphs: str) -> Response:
    """The brand's name over these paragraphs; nobody keeps it, indexes it, or is told where it was come from."""
    brand = escape(current_app.extensions["settings"].brand_name)
    told = Markup("\n").join(Markup("<p>{}</p>").format(each) for each in paragraphs)
    response = Response(_PAGE.format(brand=brand, told=told), content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def show_for_wrong_links(blueprint: Blueprint, *views: str) -> None:
    """Let links to these views that lead nowhere end in a page, too: who opens one is a person, and no program.

    It is one page whatever is wrong, so that it tells a guesser nothing.
    """

    def shown(refusal: Refusal) -> Response:
        view = (request.endpoint or "").rpartition(".")[2]
        if view not in views or not (isinstance(refusal, NotFound) or "\0" in request.path):
            return problems.response_of(refusal)
        response = page("This link does not work.", "It is wrong, too old, or leads to what is not there any more.")
        response.status_code = 404
        return response

    blueprint.register_error_handler(NotFound, shown)
    blueprint.register_error_handler(Malformed, shown)


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
