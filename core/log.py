"""The log: JSON in production, readable lines elsewhere, and no token, one-time code, phone number or e-mail in either.

Everything goes through the standard library's root logger, what packages say included, so that nothing passes by the
filter. Messages name ids, never people; the filter is the net below that rule, not a leave to break it.
"""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.types import Processor

from core.settings import Settings

#: What our own code says is kept from "info" on; what packages say, only from "warning" on (some log whole requests).
OURS = ("pocketful", "core", "auth", "wallet", "rewards", "insights", "engage", "connect", "app")

MASK = "•••"

_TELLING_NAME = re.compile(
    r"token|secret|password|passw|authorization|cookie|otp|one_time|(^|_)code$|verifier|phone|e?mail|msisdn"
    r"|recipient|first_name|last_name|full_name|address|write_key|api_key|assertion|login_hint|nonce|auth_session"
    r"|dpop|challenge|birthday|user_agent|iban|receipt_url|(^|_)ip$",
    re.IGNORECASE,
)
#: Named like the above, yet harmless: kinds of refusals and statuses.
_HARMLESS_NAMES = {"status_code", "error_code", "exit_code", "country_code"}

_TELLING_TEXT = re.compile(
    r"(?P<keep>\b(?:bearer|basic|dpop)\s+"
    r"|\b(?:session|flow|device_secret|client_secret|client_assertion|code_verifier|state)="
    r"|/(?:c|c/[srg]|l|v|o|p|u|erasures|staff/join)/(?=[\w-]{6}))[^\s&\"']+"  # a cookie, a parameter, a link
    r"|pf_[a-z]+_[\w-]{8,}"  # a refresh token
    r"|PF-[A-Z2-7]{16}-\d{8}"  # a customer's code
    r"|(?-i:(?<![\w-])[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}(?![\w-]))"  # what a device shows
    r"|eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"  # an e-mail address, in a URL too
    r"|(?<![\w.-])(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}(?![\w.-]*\w)"  # an address of the internet
    r"|(?<![\w:])(?=[\da-f:]*[\da-f])(?!::1\b)(?:[\da-f]{1,4}:){7}[\da-f]{1,4}(?![\w:])"
    r"|(?<![\w:])(?!::1(?![\w:]))(?=[\da-f]*:)(?:[\da-f]{1,4}:){0,6}(?::[\da-f]{1,4}){1,6}(?<=[\da-f])(?![\w:])"
    r"|(?:(?<![\w-])(?:\+|00)|%2B)\d(?:[\d ().-]|%20|%2D){6,25}\d"  # a phone number with its country
    r"|(?<![\w.-])\(?\d{3}(?:\) ?|[ .-])\d{3}[ .-]\d{4}(?![\w-])"  # one as it is written in North America
    r"|(?:(?<![\w.:-])|(?<=[a-z\"']:))\d{6}(?![\w:-])"  # a one-time code
    r"|(?<![\w-])\d{10,16}(?![\w-])"  # a phone number in digits, a card
    r"|(?<![\w-])(?=[\w-]*[g-zG-Z])(?=[\w-]*\d)[\w-]{32,}",  # an opaque token; ids in hexadecimal pass
    re.IGNORECASE,
)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Set logging up for this process; each entry point does so before anything opens.

    stream   where lines go; standard error unless told (commands answer on standard output)
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    rendered: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.is_production
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendered],
            is_json=settings.is_production,
        )
    )
    # No line tells where in the code it was said, in which thread or process, so no record need find that out.
    logging._srcfile = None  # as the library's own manual has it, under "Optimization"
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)


#: Made once: `json.dumps` makes an encoder for each call that is no plain one.
_json = json.JSONEncoder(ensure_ascii=False).encode


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders every line by the processors, but for those whose `fields` hold nothing that a filter could find.

    There is one such line a request, and the processors took a tenth of a payment's CPU for it (measured).
    """

    def __init__(self, *, is_json: bool, **options: Any) -> None:
        super().__init__(**options)
        self._is_json = is_json

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] | None = record.__dict__.get("fields")
        if fields is None:
            return super().format(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        level = record.levelname.lower()
        if self._is_json:
            line = {"event": record.msg, **fields, "logger": record.name, "level": level, "timestamp": at}
            return _json(line)
        told = " ".join([f"{name}={value}" for name, value in fields.items()])
        return f"{at} [{level:9}] {record.msg:30} [{record.name}] {told}"


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what must not be logged: whole values under telling names, and telling passages of any text."""
    for name, value in event.items():
        # The processors' own, and what is ours by construction.
        if name not in ("_record", "_from_structlog", "level", "logger", "request_id", "timestamp"):
            event[name] = redacted(name, value)
    return event


def redacted(name: str, value: Any) -> Any:
    """`value` as it may be logged under `name`."""
    if value is None or isinstance(value, bool):
        return value
    if name not in _HARMLESS_NAMES and _TELLING_NAME.search(name):
        return MASK
    if isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {key: redacted(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted("", item) for item in value]
    return _TELLING_TEXT.sub(lambda found: (found["keep"] or "") + MASK, str(value))
