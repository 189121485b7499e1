"""File locks. The kernel lets go of them when a process dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def share(path: Path) -> int:
    """Wait for a shared lock and return its descriptor, which is the lock: it ends when the last copy is closed."""
    return _locked(path, fcntl.LOCK_SH)


def try_to_own(path: Path) -> int | None:
    """Take the exclusive lock at once, or return None when anyone holds it."""
    try:
        return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def is_owned(path: Path) -> bool:
    """Whether some process holds the exclusive lock."""
    try:
        descriptor = _locked(path, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    os.close(descriptor)
    return False


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Hold the exclusive lock, waiting for it."""
    descriptor = _locked(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path, how: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
