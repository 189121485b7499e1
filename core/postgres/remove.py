"""Removes the embedded servers of a folder with what they keep elsewhere: `python -m core.postgres.remove FOLDER`."""

import os
import shutil
import signal
import sys
from pathlib import Path

from core.postgres import locks
from core.postgres.places import Places


def main(folder: Path) -> int:
    every = [Places(users.with_suffix("").absolute()) for users in sorted(folder.glob("*.users"))]
    claims = [locks.try_to_own(places.users) for places in every]
    if None in claims:
        print(f"pocketful: {every[claims.index(None)].data} is in use: stop what uses it first", file=sys.stderr)
        return 1
    for places in every:
        _stop(places)
        for link in (places.elsewhere, *places.data.parent.glob(f"{places.data.name}.install-*")):
            if link.is_symlink():
                shutil.rmtree(link.resolve(), ignore_errors=True)
        shutil.rmtree(places.sockets, ignore_errors=True)
    return 0


def _stop(places: Places) -> None:
    """End the supervisor that lingers, and with it its server."""
    if locks.is_owned(places.supervised):
        os.kill(int(places.supervised.read_text()), signal.SIGTERM)
        with locks.owned(places.supervised):
            return


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
