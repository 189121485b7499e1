"""Whole workers to be killed: for each line of input one is forked and its process id told.

`python -m tests.stories.worker_nursery DATABASE_URL TWILIO_URL`. Forked, since starting Python anew for each takes
seconds. A worker runs every reader and all due work of the wiring, until somebody kills it.
"""

import os
import signal
import sys

from app import start, wiring
from app.worker import Worker
from core.gateways import registry, twilio_client
from core.settings import Settings
from tests.standins.twilio import AUTH_TOKEN

__all__ = ["twilio_client"]  # imported before the fork, so that each worker need not


def main(database_url: str, twilio_url: str) -> None:
    settings = Settings(
        environment="test",
        database_url=database_url,
        public_url="https://brand.example",
        twilio_account_sid="AC1",
        twilio_auth_token=AUTH_TOKEN,
        twilio_from="+12125550100",
        twilio_api_url=twilio_url,
    )
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        worker = os.fork()
        if worker == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _work(settings)
            os._exit(0)
        print(worker, flush=True)  # noqa: T201 - the test reads it


def _work(settings: Settings) -> None:
    start.open_house(settings)
    Worker(wiring.READERS, wiring.work(settings, registry.build(settings)), []).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
