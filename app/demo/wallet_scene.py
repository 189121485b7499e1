"""What the wallet does beyond paying baskets, played once at the end of a play: four small scenes with their papers.

Everything happens after the window's end, so that no figure of the table hangs on it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from app.demo import mixed_payment, safeguarded, settling
from app.demo.provider import Provider
from app.demo.stage import Scene
from app.demo.telling import Section
from core import consistency
from core.settings import Settings
from wallet import seals

PARTS = 4


def play(
    scene: Scene, settings: Settings, provider: Provider, *, folder: Path, actor: str, ends: datetime
) -> Iterator[Section]:
    """Play scene after scene; yields what each has to tell.

    ends     the end of the window
    effects  writes papers into the folder
    """
    folder.mkdir(parents=True, exist_ok=True)
    settled_at, day_after = ends + timedelta(minutes=10), ends + timedelta(days=2)
    yield mixed_payment.play(scene, settings, folder=folder, actor=actor, at=ends + timedelta(minutes=1))
    yield settling.play(scene, settings, folder=folder, actor=actor, until=settled_at, now=settled_at)
    # Two days on, the last day is over in every time zone that a brand may have.
    yield safeguarded.play(scene, settings, provider, folder=folder, actor=actor, ends=ends, now=day_after)
    yield _seal()


def _seal() -> Section:
    seals.seal_all()
    with consistency.one_instant() as connection:
        difference = seals.first_difference(connection)
        head = seals.head(connection)
    return Section(
        title="The seal",
        words="Every transfer is sealed into a chain of hashes. Keep its head elsewhere, and an edited or removed row\n"
        "of the ledger is found, whoever changed it.",
        notes=(f"{head.number:,} blocks, hashed again: {difference or 'each is as it was sealed'}. Its head: {head}",),
    )
