"""The ingest door's guard: a write key, as Basic authentication's user name or in the body."""

from uuid import NAMESPACE_URL, uuid5

from flask import current_app, g, request

from connect import bodies
from connect.bodies import Body
from connect.errors import BatchTooLarge, WriteKeyUnknown
from connect.sources import Source, Sources
from core.web.principals import Principal

SCHEME = {"type": "http", "scheme": "basic", "description": "A write key as the user name, with no password"}


def source() -> Principal:
    """Let in whoever has a write key; its source is `current()` from here on.

    raises  WriteKeyUnknown, WriteKeyRevoked
    """
    header = request.authorization
    key = header.username if header is not None and header.type == "basic" else None
    if not key:
        written = body().members.get("writeKey")
        key = written if isinstance(written, str) else ""
    if not key:
        raise WriteKeyUnknown
    found = _sources().of(key)
    g.ingest_source = found
    return Principal("source", uuid5(NAMESPACE_URL, f"pocketful:source:{found.name}"))


def current() -> Source:
    """The source that this request's write key names."""
    found: Source = g.ingest_source
    return found


def body() -> Body:
    """The request's JSON object, unpacked and read once."""
    if "ingest_body" not in g:
        if (request.content_length or 0) > bodies.BATCH_BYTES:
            raise BatchTooLarge
        data = request.get_data(cache=True)
        g.ingest_body = bodies.parse(bodies.unpack(data, request.headers.get("Content-Encoding", "").strip().lower()))
    found: Body = g.ingest_body
    return found


def _sources() -> Sources:
    extensions = current_app.extensions
    if "ingest_sources" not in extensions:
        extensions["ingest_sources"] = Sources(extensions["settings"])
    kept: Sources = extensions["ingest_sources"]
    return kept
