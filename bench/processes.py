"""What processes cost, read from /proc: CPU and memory; nothing where there is no /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

import psycopg

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")


def postmaster_of(url: str) -> int | None:
    """The process id of the PostgreSQL server behind an address; None when it runs elsewhere, or out of sight."""
    with psycopg.connect(url) as connection:
        found = _stat(connection.info.backend_pid)
    return int(found[1]) if found and found[-1] == "postgres" else None


def tree(root: int) -> list[int]:
    """A process and its children."""
    return [root, *children(root)]


def children(root: int) -> list[int]:
    pids = [int(folder.name) for folder in _PROC.iterdir() if folder.name.isdigit()] if _PROC.is_dir() else []
    return [pid for pid in pids if (found := _stat(pid)) and int(found[1]) == root]


def cpu_seconds(root: int) -> float:
    """CPU that a process, its children, and those of them that have ended used so far."""
    own = _stat(root)
    ended = int(own[13]) + int(own[14]) if own else 0
    return (ended + sum(_own_ticks(pid) for pid in tree(root))) / _TICK


def peak_mib(pids: Iterable[int]) -> float:
    """The most memory that any one of the processes ever had resident; 0 where it cannot be read."""
    peaks = [0.0]
    for pid in pids:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
        peaks += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return round(max(peaks), 1)


def _own_ticks(pid: int) -> int:
    found = _stat(pid)
    return int(found[11]) + int(found[12]) if found else 0


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on (proc(5)), the program's name last; None for a process that has
    ended."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    return [*text[text.rindex(")") + 2 :].split(), name]
