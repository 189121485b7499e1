"""What a client asks of a browser's owner, read and checked (RFC 6749 section 4.1, OpenID Connect Core section 3.1.2).

Authlib's own checks are not taken here: they echo what came from outside into texts that it then refuses to write, look
for doubled parameters among five names only, and let `plain` PKCE pass.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from auth.authorizing import redirects
from auth.errors import OAuthRefusal
from auth.keys import jwk
from auth.oauth import pkce, scopes
from auth.oauth.clients import Client

#: All of a request, in characters.
LONGEST = 10_000
_LONGEST_NONCE = 512
_LONGEST_STATE = 2_000

QUERY, FORM_POST = "query", "form_post"
_PROMPTS = {"none", "login", "consent", "select_account"}
_SECONDS = re.compile(r"[0-9]{1,9}\Z")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class NoWayBack(Exception):
    """Whom to answer is not known for sure, so that a person is told, and nobody sent anywhere. The text is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where the answer goes, and what it has to repeat."""

    redirect_uri: str
    state: str | None
    mode: str = QUERY


class Refused(Exception):
    """A no that the client hears of, at its own address."""

    def __init__(self, way: Way, refusal: OAuthRefusal) -> None:
        super().__init__(refusal.description)
        self.way, self.refusal = way, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that may be answered.

    jkt   thumbprint of the DPoP key that has to redeem the code
    """

    client: Client
    way: Way
    scope: str
    nonce: str | None
    code_challenge: str | None
    prompts: frozenset[str]
    max_age: int | None
    acr_values: tuple[str, ...]
    login_hint: str
    id_token_hint: str | None
    jkt: bytes | None


def way_of(client: Client | None, given: Mapping[str, str], doubled: Collection[str] = ()) -> Way:
    """raises  NoWayBack"""
    if client is None or "client_id" in doubled or not client.is_active:
        raise NoWayBack("The site that you came from is not known here.")
    if "authorization_code" not in client.grant_types:
        raise NoWayBack("Who you came from cannot sign anybody in with a browser.")
    if "redirect_uri" not in given or "redirect_uri" in doubled or not redirects.check(client, given["redirect_uri"]):
        raise NoWayBack("The site that you came from did not say where you are to be sent, or named a wrong place.")
    if sum(len(name) + len(value) for name, value in given.items()) > LONGEST:
        raise NoWayBack("The request of the site that you came from is too long.")
    state = None if "state" in doubled else given.get("state")
    if state is not None and len(state) > _LONGEST_STATE:
        state = None
    mode = given.get("response_mode", QUERY)
    return Way(redirect_uri=given["redirect_uri"], state=state, mode=mode if mode == FORM_POST else QUERY)


def read(client: Client, given: Mapping[str, str], way: Way, doubled: Collection[str] = ()) -> Asked:
    """raises  Refused"""

    def invalid(description: str, error: str = "invalid_request") -> Refused:
        return Refused(way, OAuthRefusal(error, description))

    if doubled:
        raise invalid("A parameter was given twice")
    if "request" in given:
        raise invalid("Send the parameters themselves, or push them", "request_not_supported")
    if "response_type" not in given:
        raise invalid("response_type is missing")
    if given["response_type"] != "code":
        raise invalid("The only response_type is code", "unsupported_response_type")
    if given.get("response_mode", QUERY) not in (QUERY, FORM_POST):
        raise invalid("response_mode is query or form_post")
    if len(given.get("state", "")) > _LONGEST_STATE:
        raise invalid(f"state has at most {_LONGEST_STATE} characters")
    if len(given.get("nonce", "")) > _LONGEST_NONCE:
        raise invalid(f"nonce has at most {_LONGEST_NONCE} characters")
    scope = scopes.parse(client, given.get("scope", ""))
    if isinstance(scope, OAuthRefusal):
        raise Refused(way, scope)
    _check_challenge(client, given, invalid)
    prompts = frozenset(given.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise invalid("prompt is none, or login, consent and select_account")
    if "max_age" in given and not _SECONDS.match(given["max_age"]):
        raise invalid("max_age is a number of seconds")
    if "dpop_jkt" in given and not _THUMBPRINT.match(given["dpop_jkt"]):
        raise invalid("dpop_jkt is the thumbprint of a key")
    return Asked(
        client=client,
        way=way,
        scope=scope,
        nonce=given.get("nonce"),
        code_challenge=given.get("code_challenge"),
        prompts=prompts,
        max_age=int(given["max_age"]) if "max_age" in given else None,
        acr_values=tuple(given.get("acr_values", "").split()),
        login_hint=given.get("login_hint", ""),
        id_token_hint=given.get("id_token_hint"),
        jkt=jwk.unb64url(given["dpop_jkt"]) if "dpop_jkt" in given else None,
    )


def _check_challenge(client: Client, given: Mapping[str, str], invalid: Callable[[str], Refused]) -> None:
    """PKCE (RFC 7636) is asked of who has no secret, and checked wherever it is used."""
    if "code_challenge" not in given:
        if not client.is_confidential:
            raise invalid("code_challenge is missing: public clients use PKCE")
        if "code_challenge_method" in given:
            raise invalid("code_challenge is missing")
        return
    if given.get("code_challenge_method") != "S256" or not pkce.is_challenge(given["code_challenge"]):
        raise invalid("code_challenge is 43 characters of base64url, and code_challenge_method S256")
