"""A tiny shop behind two doors of its own, so that what every door has in common is tested without any room."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from flask import Flask, Response, jsonify, request
from flask.views import MethodView
from flask_compress import Compress
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Busy, Kind, NotFound, Refusal, Unauthenticated
from core.web import doors, idempotent, problems, requests
from core.web.doors import Door, needs
from core.web.principals import Principal, current
from core.web.schemas import MoneySchema

CUSTOMER = Principal("customer", UUID("01900000-0000-7000-8000-00000000000a"))
CLERK = Principal("staff", UUID("01900000-0000-7000-8000-00000000000b"), frozenset({"shelves.read", "shelves.write"}))
READER = Principal("staff", UUID("01900000-0000-7000-8000-00000000000c"), frozenset({"shelves.read"}))
PRINCIPALS = {"customer": CUSTOMER, "clerk": CLERK, "reader": READER}


class SoldOut(Refusal):
    code: ClassVar[str] = "test_sold_out"
    kind: ClassVar[Kind] = Kind.REFUSED
    title: ClassVar[str] = "Nothing is left"


class OrderArgs(Schema):
    price = fields.Nested(MoneySchema(), required=True)
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=10))
    note = fields.String(load_default="", validate=validate.Length(max=100))
    context = fields.Dict(load_default=dict)


class OrderSchema(Schema):
    id = fields.Integer()
    note = fields.String()


class Shop:
    """What stands behind the counter: how many orders were carried out, and what the next ones meet."""

    def __init__(self) -> None:
        self.orders = 0
        self.refusal: Refusal | None = None
        self.meanwhile: Callable[[], Any] = lambda: None

    def order(self, session: Session, note: str) -> dict[str, Any]:
        session.execute(text("SELECT 1"))
        self.meanwhile()
        if self.refusal is not None:
            raise self.refusal
        self.orders += 1
        return {"id": self.orders, "note": note}


def guard() -> Principal | None:
    """Bearer tokens of this test are the names of its principals; "nobody" shows a guard that forgot to refuse."""
    name = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if name == "nobody":
        return None
    if name not in PRINCIPALS:
        raise Unauthenticated
    return PRINCIPALS[name]


def open_shop(shop: Shop) -> Flask:
    app = Flask("shop", static_folder=None)
    problems.register(app)
    requests.register(app)
    app.config["COMPRESS_ALGORITHM"] = ["gzip"]
    Compress(app)
    app.add_url_rule("/stray", "stray", lambda: jsonify(secret=True))
    doors.open_doors(
        app,
        [
            Door(name="customer", document="app", title="Apps", prefix="/app", guard=guard, blueprints=[_orders(shop)]),
            Door(
                name="staff",
                document="admin",
                title="Staff",
                prefix="/admin",
                guard=guard,
                needs_permissions=True,
                blueprints=[_shelves()],
            ),
        ],
    )
    return app


def _orders(shop: Shop) -> Blueprint:
    blueprint = Blueprint("shop_customer", __name__, description="Orders")

    @blueprint.route("/orders", methods=["POST"])
    @blueprint.arguments(OrderArgs())
    @blueprint.response(201, OrderSchema())
    @idempotent.documented
    def order(args: dict[str, Any]) -> Response:
        """Order something"""
        return idempotent.command(lambda session: shop.order(session, args["note"]), schema=OrderSchema())

    @blueprint.route("/me")
    @blueprint.response(200, OrderSchema())
    def me() -> dict[str, Any]:
        """Who am I"""
        return {"id": 1, "note": current().name * 50}

    @blueprint.route("/broken")
    def broken() -> None:
        """Break"""
        raise ValueError("+12125550142 is not for the wire")

    @blueprint.route("/busy")
    def busy() -> None:
        """Be busy"""
        raise Busy

    @blueprint.route("/raw", methods=["POST"])
    def raw() -> Response:
        """Take any JSON"""
        return jsonify(got=request.get_json())

    return blueprint


def _shelves() -> Blueprint:
    blueprint = Blueprint("shop_staff", __name__, description="Shelves")

    @blueprint.route("/innermost")
    @blueprint.response(200, OrderSchema())
    @needs("shelves.read")
    def innermost() -> dict[str, Any]:
        """Read"""
        return {"id": 1}

    @blueprint.route("/between")
    @needs("shelves.read")
    @blueprint.response(200, OrderSchema())
    def between() -> dict[str, Any]:
        """Read"""
        return {"id": 1}

    @needs("shelves.read")
    @blueprint.route("/outermost")
    @blueprint.response(200, OrderSchema())
    def outermost() -> dict[str, Any]:
        """Read"""
        return {"id": 1}

    @blueprint.route("/undeclared")
    def undeclared() -> Response:
        """Nobody said who may"""
        return jsonify(id=1)

    @blueprint.route("/shelf")
    class Shelf(MethodView):
        @needs("shelves.read")
        @blueprint.response(200, OrderSchema())
        def get(self) -> dict[str, Any]:
            """Read a shelf"""
            return {"id": 1}

        @blueprint.response(200, OrderSchema())
        @needs("shelves.write")
        def put(self) -> dict[str, Any]:
            """Fill a shelf"""
            return {"id": 2}

    @blueprint.route("/missing")
    @needs("shelves.read")
    def missing() -> None:
        """Find nothing"""
        raise NotFound

    return blueprint
