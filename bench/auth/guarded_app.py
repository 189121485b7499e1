"""The application with one route more, that nobody guards: a form in, `guarded.step`, JSON out. Served as ours is."""

from flask import Response, jsonify, request

from app.serving import app
from bench.auth import guarded
from core.db import statement


def step() -> Response:
    given = request.form
    with statement() as connection:
        generation = guarded.step(connection, given["chain"], int(given["generation"]), given["token"])
    response = jsonify({"generation": generation})
    response.status_code = 200 if generation is not None else 409
    return response


# In the room of the token endpoint: a route that stands in no door is not there.
app.add_url_rule("/bench/guarded", endpoint="sign_in.step", view_func=step, methods=["POST"])
