"""What tells who somebody is, split off an event from outside before it is logged.

By key where the key says it (traits know more of them: a property "name" is a product's, a trait "name" a person's),
and by value wherever an e-mail address, a telephone number or an IP address shows. Free text of a trait counts too.
It is better to seal a harmless field than to log a personal one: sealed fields are not lost.
"""

import re
from ipaddress import ip_address
from typing import Any

#: Keys are compared in lower case without punctuation: "first_name", "firstName" and "First name" are one.
_ANYWHERE = frozenset(
    """
    email emailaddress mail phone phonenumber mobile telephone msisdn firstname lastname fullname middlename surname
    familyname givenname address streetaddress street postalcode postcode zip zipcode birthday birthdate dateofbirth dob
    ip ipaddress password token accesstoken ssn passport nationalid taxid iban cardnumber latitude longitude location
    advertisingid idfa idfv gaid recipient
    """.split()  # noqa: SIM905 - words read better than a column of quotes
)
_IN_TRAITS = _ANYWHERE | frozenset(
    "name username nickname avatar description title website bio about age gender".split()  # noqa: SIM905
)

_EMAIL = re.compile(r"[^\s@/?=&]+(?:@|%40)[^\s@/?=&]+\.[A-Za-z]{2,}", re.IGNORECASE)
_PHONE_ANYWHERE = re.compile(r"(?:\+|%2B)[1-9][\d\s().-]{6,18}\d", re.IGNORECASE)
_PHONE_ALONE = re.compile(r"\(?\d[\d\s().-]{7,18}\d")
_NOT_WORD = re.compile(r"[\W_]+")

#: What only an address can be written with: asking the library about each URL took longer than all other looks.
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:%[^%]+)?")

#: A trait longer than this, or of more words, is somebody's own words rather than a value to group customers by.
_TRAIT_CHARACTERS, _TRAIT_WORDS = 64, 4

#: No key that we know is longer, and a longer one is not worth remembering.
_KEY_CHARACTERS = 64


def split(content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what may be logged, what must be sealed by its JSON pointer, such as {"/traits/email": ...}).

    Where nothing must be sealed, the first is the content itself: most events are such, and looking through one takes
    half as long as writing it anew.
    """
    sealed: dict[str, Any] = {}
    if _is_harmless_object(content):
        return content, sealed
    return _split_object(content, "", False, sealed), sealed


def _is_harmless_object(item: dict[str, Any]) -> bool:
    """Whether nothing of it tells who somebody is; False also where that takes the closer look."""
    for key, value in item.items():
        if key not in _harmless_keys and (_known_keys.get(key) or _read_key(key))[0]:
            return False
        kind = type(value)
        if kind is str:
            if value not in _harmless and _is_personal(value, False):
                return False
        elif kind is dict:
            if key in _LOOKED_AT_CLOSELY or not _is_harmless_object(value):
                return False
        elif kind is list and value:
            return False
    return True


#: Members within which more tells of somebody than elsewhere.
_LOOKED_AT_CLOSELY = frozenset(("traits", "device"))


def _split_object(item: dict[str, Any], path: str, in_traits: bool, sealed: dict[str, Any]) -> dict[str, Any]:
    clear: dict[str, Any] = {}
    for key, value in item.items():
        is_personal = (_known_keys.get(key) or _read_key(key))[in_traits]
        if is_personal or (path == "/context/device" and key in ("id", "name")):
            sealed[f"{path}/{_escaped(key)}"] = value
        elif isinstance(value, str):
            if (value not in _harmless or in_traits) and _is_personal(value, in_traits):
                sealed[f"{path}/{_escaped(key)}"] = value
            else:
                clear[key] = value
        elif isinstance(value, dict):
            clear[key] = _split_object(value, f"{path}/{_escaped(key)}", in_traits or key == "traits", sealed)
        elif isinstance(value, list):
            clear[key] = _split_list(value, f"{path}/{_escaped(key)}", in_traits, sealed)
        else:
            clear[key] = value
    return clear


def _split_list(items: list[Any], path: str, in_traits: bool, sealed: dict[str, Any]) -> list[Any]:
    clear: list[Any] = []
    for index, value in enumerate(items):
        if isinstance(value, dict):
            clear.append(_split_object(value, f"{path}/{index}", in_traits, sealed))
        elif isinstance(value, list):
            clear.append(_split_list(value, f"{path}/{index}", in_traits, sealed))
        elif isinstance(value, str) and _is_personal(value, in_traits):
            sealed[f"{path}/{index}"] = value
            clear.append(None)  # the others keep their places
        else:
            clear.append(value)
    return clear


#: Values that were looked at and tell nothing of anybody. Most values of events are of these ("USD", "en-US"), and
#: finding one here takes a tenth of looking at it again.
_harmless: set[str] = set()
_HARMLESS_MOST, _HARMLESS_CHARACTERS = 20_000, 32


def _is_personal(value: str, in_traits: bool) -> bool:
    if in_traits and (len(value) > _TRAIT_CHARACTERS or len(value.split()) > _TRAIT_WORDS):
        return True
    if value in _harmless:
        return False
    if tells(value):
        return True
    if len(value) <= _HARMLESS_CHARACTERS:
        if len(_harmless) >= _HARMLESS_MOST:
            _harmless.clear()
        _harmless.add(value)
    return False


def tells(text: str) -> bool:
    """Whether a text holds an e-mail address or an international number, or is a local number or an IP address."""
    if len(text) < 3:
        return False
    # Most texts are passed by looking for the one character that each of these cannot do without.
    if ("@" in text or "%40" in text) and _EMAIL.search(text):
        return True
    if ("+" in text or "%2" in text) and _PHONE_ANYWHERE.search(text):
        return True
    if text[0] in "(0123456789" and _is_local_number(text):
        return True
    return (text.count(".") == 3 or ":" in text) and _is_ip_address(text)


def _is_local_number(text: str) -> bool:
    """Bare digits are order numbers far more often; keys name the telephone numbers among them."""
    if text.isdigit() or not _PHONE_ALONE.fullmatch(text):
        return False
    return 9 <= sum(map(str.isdigit, text)) <= 13


def _is_ip_address(text: str) -> bool:
    if not _ADDRESS.fullmatch(text):
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


#: By key, whether it tells who somebody is (anywhere, among traits).
_known_keys: dict[str, tuple[bool, bool]] = {}
#: Those that tell it nowhere but among traits, which is asked soonest.
_harmless_keys: set[str] = set()
_KNOWN_KEYS_MOST = 4_096


def _read_key(key: str) -> tuple[bool, bool]:
    is_telling, is_short = tells(key), len(key) <= _KEY_CHARACTERS
    name = _NOT_WORD.sub("", key).lower() if is_short else key
    found = (is_telling or name in _ANYWHERE, is_telling or name in _IN_TRAITS)
    if is_short:
        if len(_known_keys) >= _KNOWN_KEYS_MOST:
            _known_keys.clear()
            _harmless_keys.clear()
        _known_keys[key] = found
        if not found[0]:
            _harmless_keys.add(key)
    return found


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")  # RFC 6901
