"""A tab of Chromium: opens pages, and does to them what a person does."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.auth.browser.pipe import PATIENCE_SECONDS, Chromium


class Tab:
    """A window of its own, with cookies of its own."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._context = chromium.call("Target.createBrowserContext")["browserContextId"]
        made = chromium.call("Target.createTarget", {"url": "about:blank", "browserContextId": self._context})
        attached = chromium.call("Target.attachToTarget", {"targetId": made["targetId"], "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._chromium.call("Target.disposeBrowserContext", {"browserContextId": self._context})

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._chromium.call(method, params, self._session)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until(lambda: self.address != "about:blank" and self._is_loaded())

    @property
    def address(self) -> str:
        return str(self.value("location.href"))

    @property
    def title(self) -> str:
        """Of the page, as it stands on it."""
        return str(self.value("document.querySelector('h1')?.innerText ?? ''"))

    def value(self, expression: str) -> Any:
        told = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"])
        return told["result"].get("value")

    def fill(self, name: str, text: str) -> None:
        """Empty a field and type into it."""
        self.value(f"document.querySelector('[name={name}]').select()")
        self.call("Input.insertText", text=text)

    def press(self, selector: str) -> None:
        """Press what a person would see, with the mouse."""
        box = self.value(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)}); found.scrollIntoView(); "
            "const box = found.getBoundingClientRect(); "
            "return [box.x + box.width / 2, box.y + box.height / 2, box.width] })()"
        )
        assert box[2] > 0, f"{selector} cannot be seen"
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def until(self, is_so: Callable[[], bool], what: str = "") -> None:
        """Wait until something is so; a page that is being left answers nothing."""
        ends_at = monotonic() + PATIENCE_SECONDS
        while monotonic() < ends_at:
            try:
                if is_so():
                    return
            except RuntimeError:
                pass
            sleep(0.02)
        raise AssertionError(f"{what or 'it'} was waited for in vain at {self.address}: {self.title}")

    def until_title(self, title: str) -> None:
        self.until(lambda: self.title == title and self._is_loaded(), title)

    def until_at(self, beginning: str) -> None:
        self.until(lambda: self.address.startswith(beginning), beginning)

    def events(self, method: str) -> list[dict[str, Any]]:
        """What happened so far."""
        self.value("0")
        return [
            event["params"]
            for event in self._chromium.events
            if event.get("sessionId") == self._session and event.get("method") == method
        ]

    def switch_scripts_off(self) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def resize(self, width: int, height: int = 700) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def add_authenticator(self) -> str:
        """A telephone's own passkeys, with somebody who agrees to everything."""
        self.call("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        return str(self.call("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _is_loaded(self) -> bool:
        return bool(self.value("document.readyState === 'complete'"))
