"""What happens to every request and answer: size and text checks, a request id, ETags, compression, a line logged."""

from flask import Flask, Response, g, request
from flask_compress import Compress

from core import ids
from core.audit import origin
from core.web import access, bodies, origins, rate_headers


def register(app: Flask) -> None:
    origin.register(origins.of_request)
    app.json = bodies.Json(app)
    app.config["MAX_CONTENT_LENGTH"] = bodies.MAX_BODY_BYTES
    app.before_request(_name_request)
    app.before_request(bodies.look_over)

    # Flask runs these from the last to the first: an ETag of the plain answer, then compression, which marks it, then
    # the comparison. (The other way round gzip's time stamp would make a new ETag each second.)
    app.after_request(access.write_line)
    app.after_request(rate_headers.put)
    app.after_request(_hear_out)
    app.after_request(_finish)
    app.config.setdefault("COMPRESS_ALGORITHM", ["gzip"])
    app.config.setdefault("COMPRESS_MIMETYPES", ["application/json", "application/problem+json", "text/html"])
    Compress(app)
    app.after_request(_tag)


def _name_request() -> None:
    g.request_id = ids.new().hex
    access.begin()


#: Further than this nobody is heard out, or than twice what the view takes: who sends more has no bill of ours in mind.
_HEARD_OUT_BYTES = 10 * bodies.MAX_BODY_BYTES


def _hear_out(response: Response) -> Response:
    """Read what a refused request still sends, and drop it: the server would hang up on who is writing, who would then
    see a broken connection (and try again) in place of the answer."""
    if response.status_code < 400:
        return response
    is_waiting = "Expect" in request.headers  # it sends its body only when it is asked for it
    # Without the server's word that the body has an end, the next request would be waited for.
    if is_waiting or not request.environ.get("wsgi.input_terminated"):
        return response
    left = max(_HEARD_OUT_BYTES, 2 * (request.max_content_length or 0))
    if (request.content_length or 0) <= left:
        while left > 0 and (chunk := request.environ["wsgi.input"].read(65_536)):
            left -= len(chunk)
    return response


def _tag(response: Response) -> Response:
    is_kept = response.status_code == 200 and request.method in ("GET", "HEAD") and not response.cache_control.no_store
    if is_kept and not response.is_streamed:
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.add_etag()
    return response


def _finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-Id"] = g.get("request_id", "")
    headers["X-Content-Type-Options"] = "nosniff"
    if "ETag" in headers and not response.is_streamed:
        response.make_conditional(request)
    return response
