"""Doors: each audience has a URL prefix, a guard that the door itself attaches, and an OpenAPI document of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from flask import Flask, g
from flask_smorest import Blueprint

from core.errors import Forbidden, NotFound, Refusal, Unauthenticated
from core.web import principals, rate_headers, unproxied
from core.web.openapi import BEARER, DoorApi
from core.web.principals import Principal

Guard = Callable[[], Principal | None]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Door:
    """One audience's way in.

    document           its OpenAPI document is /openapi/<document>.json
    guard              says who is asking or raises Unauthenticated; None only where signatures guard each route
    needs_permissions  True on the staff door: each of its routes declares one with `@needs`
    scheme             how its document says that callers show who they are
    reads_raw_bodies   True where the door itself mends text that cannot be stored, rather than refuse a whole batch
    also_documents     blueprints of other doors that this audience needs (an app's sign-in)
    """

    name: str
    document: str
    title: str
    prefix: str
    guard: Guard | None
    blueprints: Sequence[Blueprint]
    needs_permissions: bool = False
    scheme: Mapping[str, str] = field(default_factory=lambda: BEARER)
    reads_raw_bodies: bool = False
    also_documents: Sequence[Blueprint] = ()


def needs(permission: str) -> Callable[[View], View]:
    """Declare the permission that a staff view needs, anywhere among its decorators."""

    def declare(view: View) -> View:
        view.__dict__["permission"] = permission
        return view

    return declare


def demand(permission: str) -> None:
    """What a view asks for beside the permission that its route declares, where a request may do more than others.

    raises  Forbidden
    """
    if permission not in principals.current().permissions:
        raise _forbidden(permission)


def permission_of(app: Flask, endpoint: str, method: str) -> str | None:
    """The permission that a route declares, whether it is a function or a method of a view class."""
    view = app.view_functions[endpoint]
    handler = getattr(cast(Any, view), "view_class", None)
    if handler is None:
        return getattr(view, "permission", None)
    # Flask answers HEAD by the view's GET.
    target = getattr(handler, method.lower(), None) or (handler.get if method == "HEAD" else None)
    return getattr(target, "permission", None)


def open_doors(app: Flask, doors: Sequence[Door]) -> None:
    """Register every door's blueprints behind its guard. Whatever belongs to no door is refused, unless it is the
    roof's own (`app.extensions["unguarded"]`: health, metrics, documents)."""
    door_of = {blueprint.name: door for door in doors for blueprint in door.blueprints}
    app.extensions["door_of"] = door_of
    app.extensions["apis"] = {}
    app.extensions.setdefault("unguarded", set())

    for door in doors:
        api = DoorApi(app, document=door.document, title=door.title, scheme=door.scheme if door.guard else None)
        app.extensions["apis"][door.document] = api
        for blueprint in door.blueprints:
            api.register_blueprint(blueprint, url_prefix=door.prefix)
    for door in doors:
        api = app.extensions["apis"][door.document]
        for blueprint in door.also_documents:
            api.document(blueprint)

    app.before_request(let_in)


def let_in() -> None:
    """Run the guard of the door that this request came to, then check the route's permission."""
    app, given = unproxied.app(), unproxied.request()
    if given.endpoint is None or given.endpoint in app.extensions["unguarded"]:
        return
    door: Door | None = app.extensions["door_of"].get(given.blueprint)
    if door is None:
        raise NotFound
    try:
        principal = door.guard() if door.guard else None
    except Refusal:
        rate_headers.count(None)  # nobody is known: it is the address that asks too much
        raise
    if principal is None and door.guard is not None:
        raise Unauthenticated  # a guard that forgets to refuse lets nobody in
    g.principal = principal
    rate_headers.count(principal)
    if door.needs_permissions:
        permission = permission_of(app, given.endpoint, given.method)
        if permission is None or principal is None or permission not in principal.permissions:
            raise _forbidden(permission)


def _forbidden(permission: str | None) -> Forbidden:
    return Forbidden(f"This needs the permission {permission}", permission=permission)
