"""Reading a compact JWS apart (RFC 7515), before anything in it is believed."""

import json
from dataclasses import dataclass
from typing import Any

from auth.keys.jwk import unb64url


@dataclass(frozen=True, slots=True)
class Compact:
    """signed: what the signature is over"""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(text: str) -> Compact:
    """raises  ValueError, RecursionError for what is no signed JSON object, or names a member twice"""
    signed, _, signature = text.rpartition(".")
    header, _, claims = signed.partition(".")
    return Compact(read_object(header), read_object(claims), signed.encode(), unb64url(signature))


def read_object(segment: str) -> dict[str, Any]:
    """raises  ValueError, RecursionError"""
    found = json.loads(unb64url(segment), object_pairs_hook=_each_once)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Two readers would believe two different ones.
        raise ValueError("a member is given twice")
    return found
