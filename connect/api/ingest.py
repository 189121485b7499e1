"""The ingest door: what Segment's clients and other servers report."""

from collections.abc import Callable, Sequence
from typing import Any

from flask_smorest import Blueprint

from connect import calls, ingest
from connect.api import guard
from connect.api.schemas import IngestedSchema
from connect.calls import Call, Rejection
from connect.errors import EventInvalid
from connect.events import BY_TYPE
from core import clock

blueprint = Blueprint(
    "connect_ingest", __name__, description="What Segment clients report; any Segment HTTP API source can post here"
)

_BATCH_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["batch"],
                "properties": {
                    "batch": {"type": "array", "maxItems": 500, "items": {"type": "object"}},
                    "sentAt": {"type": "string", "format": "date-time"},
                    "context": {"type": "object"},
                    "writeKey": {"type": "string"},
                },
            }
        }
    },
}
_CALL_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


def _take_batch() -> dict[str, Any]:
    """Report up to 500 calls at once (500 KB, gzip welcome)

    A bad call is named in `rejected` and the others are taken, so the answer is 200 all the same. A messageId that
    came in before is skipped.
    """
    good, bad = calls.of_batch(guard.body(), received_at=clock.now())
    _keep(good)
    return {"success": True, "rejected": bad} if bad else {"success": True}


def _take_single(type_: str) -> Callable[[], dict[str, Any]]:
    def take() -> dict[str, Any]:
        good, bad = calls.of_single(guard.body(), type_, received_at=clock.now())
        _refuse(bad)
        _keep(good)
        return {"success": True}

    take.__doc__ = f"Report one {type_} call"
    take.__name__ = f"take_{type_}"
    return take


def _keep(good: Sequence[Call]) -> None:
    ingest.take(good, source=guard.current())


def _refuse(bad: Sequence[Rejection]) -> None:
    if bad:
        raise EventInvalid(
            bad[0].detail, errors=[{"pointer": item.pointer or "/", "detail": item.detail} for item in bad]
        )


def _add(path: str, view: Callable[[], dict[str, Any]], *, endpoint: str, body: dict[str, Any]) -> None:
    answered = blueprint.response(200, IngestedSchema())(view)
    documented = blueprint.doc(requestBody=body)(answered)
    blueprint.route(path, methods=["POST"], endpoint=endpoint)(documented)


_add("/batch", _take_batch, endpoint="batch", body=_BATCH_BODY)
_add("/import", _take_batch, endpoint="import", body=_BATCH_BODY)
for _type in BY_TYPE:
    _add(f"/{_type}", _take_single(_type), endpoint=_type, body=_CALL_BODY)
