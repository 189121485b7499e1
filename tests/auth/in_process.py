"""Lets a client that is built on `requests` speak to the application in its own process, unchanged."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse


class InProcess(BaseAdapter):
    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        address = urlsplit(str(request.url))
        path = f"{address.path}?{address.query}" if address.query else address.path
        given = self._app.test_client().open(
            path, method=request.method, data=request.body, headers=dict(request.headers), base_url="http://127.0.0.1"
        )
        raw = HTTPResponse(
            BytesIO(given.data), headers=list(given.headers), status=given.status_code, preload_content=False
        )
        answer = requests.adapters.HTTPAdapter().build_response(request, raw)
        answer.url = str(request.url)
        return answer

    def close(self) -> None:
        """There is nothing to close."""
