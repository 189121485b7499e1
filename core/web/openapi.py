"""One OpenAPI document a door, with our problems as its errors."""

import http
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from marshmallow import Schema, fields

from core.web import problems


class ProblemErrorSchema(Schema):
    pointer = fields.String(metadata={"description": "JSON pointer to the field"})
    detail = fields.String()


class ProblemSchema(Schema):
    """RFC 9457, with a stable `code` to switch on."""

    type = fields.String(metadata={"description": "Where this problem is explained"})
    title = fields.String()
    status = fields.Integer()
    code = fields.String(metadata={"description": "Stable; switch on this"})
    detail = fields.String(metadata={"description": "For people"})
    retryable = fields.Boolean(metadata={"description": "Whether the same request may succeed later"})
    errors = fields.List(fields.Nested(ProblemErrorSchema()))


#: How most audiences show who they are (OpenAPI's security scheme).
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class DoorApi(Api):  # type: ignore[misc]
    """flask-smorest's Api for one door: problem+json errors, its own prefix of settings, no pages of its own."""

    ERROR_SCHEMA = ProblemSchema
    PROBLEM_CONTENT_TYPE = "application/problem+json"

    def __init__(self, app: Flask, *, document: str, title: str, scheme: Mapping[str, str] | None) -> None:
        prefix = document.replace("-", "_").upper()
        app.config[f"{prefix}_API_TITLE"] = title
        app.config[f"{prefix}_API_VERSION"] = "1"
        app.config[f"{prefix}_OPENAPI_VERSION"] = "3.1.0"
        super().__init__(app, config_prefix=prefix)
        if scheme:
            self.spec.components.security_scheme("token", dict(scheme))
            self.spec.options["security"] = [{"token": []}]

    def document(self, blueprint: Blueprint) -> None:
        """Describe here, too, what another door serves."""
        blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
        self.spec.tag({"name": blueprint.name, "description": blueprint.description})

    def _register_error_handlers(self) -> None:
        """None of its own: `problems.register` answers for the whole app."""

    def handle_http_exception(self, error: Any) -> Any:
        return problems.from_http(error)

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if not 100 <= status < 200 and status not in (204, 304):
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, self.PROBLEM_CONTENT_TYPE)
            self.spec.components.response(status.name, response, lazy=True)
        response = {"description": "A problem (RFC 9457)", "schema": self.ERROR_SCHEMA}
        prepare_response(response, self.spec, self.PROBLEM_CONTENT_TYPE)
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, response, lazy=True)
