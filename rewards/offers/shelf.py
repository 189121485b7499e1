"""What is on offer in this process: the catalogue's running coupons, with the index that finds them."""

import threading

from core.db import Connection, statement
from rewards.campaigns import catalogue
from rewards.campaigns.catalogue import Catalogue, Compiled
from rewards.offers.index import Index, concerns_of
from rewards.rules import Concerns

_A_PART = 100

_lock = threading.Lock()
_index = Index()
_version = -1


def current(connection: Connection) -> tuple[Catalogue, Index]:
    """The catalogue as of now, and the index brought up to it; what changed since is moved, not built anew.

    Another thread may have brought the index further already: what it names and the catalogue does not know, or knows
    otherwise, is decided by the catalogue.
    """
    latest = catalogue.current(connection)
    if not latest.is_kept:
        return latest, _index_of(latest)
    if latest.version > _version:
        _follow(latest)
    return latest, _index


def warm() -> None:
    """Have both made before the first request asks for them."""
    with statement() as connection:
        current(connection)


def is_offered(compiled: Compiled) -> bool:
    return compiled.terms.state == "running" and not compiled.terms.is_gift_card


def concerns(compiled: Compiled) -> Concerns:
    """Under what a campaign stands in an index."""
    rule = compiled.rule
    return concerns_of(
        compiled.discount,
        skus=compiled.skus,
        audience_id=compiled.terms.audience_id,
        rule=rule.concerns if rule else None,
    )


def _follow(latest: Catalogue) -> None:
    """Bring the index up to a catalogue, a part at a time, so that nobody who asks it waits long; to one that knows
    nothing, anew."""
    global _index, _version
    with _lock:
        if latest.version < 0:
            _index, _version = Index(), -1
        if latest.version <= _version:
            return
        changed, gone = latest.changed_since(_version)
        _index.change([], gone)
        for start in range(0, len(changed), _A_PART):
            part = changed[start : start + _A_PART]
            offered = [(each.terms.campaign_id, concerns(each)) for each in part if is_offered(each)]
            _index.change(offered, [each.terms.campaign_id for each in part])
        _version = latest.version


# Where many campaigns have changed, whoever reads them brings the index along, before anybody has the catalogue.
catalogue.followers.append(_follow)


def _index_of(latest: Catalogue) -> Index:
    """One for a transaction's own changes of campaigns, which nobody else may find."""
    index = Index()
    index.change([(each.terms.campaign_id, concerns(each)) for each in latest.running if is_offered(each)], [])
    return index
