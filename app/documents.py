"""The documents: an OpenAPI file a door, a readable page over them, and every problem explained."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, jsonify, redirect, render_template_string

from core.errors import NotFound, every_refusal
from core.web.problems import STATUSES

_STYLE = """
<style>
 body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
 h1{font-size:1.6rem} h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #dde3ea;padding-bottom:.3rem}
 code,pre{font:14px/1.45 ui-monospace,monospace} pre{background:#f5f7f9;padding:.7rem;overflow:auto;border-radius:6px}
 .verb{display:inline-block;min-width:4.2rem;font-weight:600;color:#0b6b53} table{border-collapse:collapse;width:100%}
 td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid #eef1f4;vertical-align:top}
 a{color:#0b57a4} details{margin:.35rem 0} summary{cursor:pointer} .muted{color:#5b6878}
</style>
"""

_INDEX = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>{{ brand }} API</title>"
    + _STYLE
    + """
<h1>{{ brand }} API</h1>
<p class=muted>One document for each audience. Errors are explained under <a href="/docs/problems">problems</a>.</p>
{% for name, spec in specs.items() %}
<h2 id="{{ name }}">{{ spec.info.title }} <small><a href="/openapi/{{ name }}.json">{{ name }}.json</a></small></h2>
{% for path, methods in spec.paths.items() %}{% for verb, operation in methods.items() if verb in verbs %}
<details><summary><span class=verb>{{ verb.upper() }}</span><code>{{ path }}</code> {{ operation.summary }}</summary>
{% if operation.description %}<p>{{ operation.description }}</p>{% endif %}
<pre>{{ operation | tojson(indent=1) }}</pre></details>
{% endfor %}{% endfor %}{% endfor %}</html>"""
)

_PROBLEMS = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>Problems</title>"
    + _STYLE
    + """
<h1>Problems</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457) with one of these codes. A code never changes its
meaning. <code>retryable</code> says whether the same request may succeed later.</p>
<table><tr><th>code<th>status<th>meaning</tr>
{% for problem in problems %}<tr id="{{ problem.code }}"><td><code>{{ problem.code }}</code>
<td>{{ problem.status }}<td>{{ problem.title }}</tr>{% endfor %}</table></html>"""
)


def register(app: Flask) -> None:
    rules: list[tuple[str, Callable[..., Response | str]]] = [
        ("/", index),
        ("/openapi/<document>.json", openapi_document),
        ("/docs", docs),
        ("/docs/problems", docs_problems),
    ]
    for path, view in rules:
        app.add_url_rule(path, view.__name__, view)
        app.extensions.setdefault("unguarded", set()).add(view.__name__)


def index() -> Response:
    """Whoever comes to the bare address finds the documents."""
    return redirect("/docs")  # type: ignore[return-value]


def openapi_document(document: str) -> Response:
    """The OpenAPI document of one door."""
    api = current_app.extensions["apis"].get(document)
    if api is None:
        raise NotFound
    return jsonify(api.spec.to_dict())


def docs() -> str:
    """Every operation of every door on one page that needs no script."""
    specs: dict[str, Any] = {name: api.spec.to_dict() for name, api in current_app.extensions["apis"].items()}
    brand = current_app.extensions["settings"].brand_name
    return render_template_string(_INDEX, specs=specs, brand=brand, verbs=("get", "put", "post", "patch", "delete"))


def docs_problems() -> str:
    """Every code that an error can carry."""
    kinds = sorted({kind.code: kind for kind in every_refusal()}.values(), key=lambda kind: kind.code)
    problems = [{"code": kind.code, "status": STATUSES[kind.kind], "title": kind.title} for kind in kinds]
    return render_template_string(_PROBLEMS, problems=problems)
