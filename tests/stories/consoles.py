"""The ```console blocks of a page: run as a reader would paste them, their answers compared with the page's."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

ADDRESS = "http://127.0.0.1:8000"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_IDS = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_TIMES = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)")
_DONE = "<<done>>"
#: What answers to `curl` on machines that have none.
STAND_IN = Path(__file__).with_name("curl.py")


@dataclass(frozen=True)
class Step:
    """A command of a page and what the page says that it answers."""

    command: str
    answer: str


def steps_of(page: str) -> list[Step]:
    """Each `$ ` line, with those that a shell would still wait for, and the lines of its answer."""
    steps: list[Step] = []
    for block in _BLOCK.findall(page):
        command, answer = "", ""
        for line in [*block.splitlines(), "$ "]:
            if command and not answer and _waits(command):
                command += "\n" + line
            elif line.startswith("$ "):
                if command:
                    steps.append(Step(command, answer.strip()))
                command, answer = line[2:], ""
            else:
                answer += line + "\n"
    return steps


def _waits(command: str) -> bool:
    """Whether a shell would wait for more: after a backslash, in quotes, or up to the END of a text."""
    is_quoting = command.count("'") % 2 == 1 or command.count('"') % 2 == 1
    return command.endswith("\\") or is_quoting or ("<<END" in command and not command.endswith("\nEND"))


def differs(promised: str, given: str) -> bool:
    """Whether an answer is another than the page says, leaving ids and times out of it.

    An … on the page stands for whatever is there; JSON may be laid out in any way.
    """
    wanted = _read(promised)
    return not _fits(wanted, given.strip() if isinstance(wanted, str) else _read(given))


def _fits(wanted: Any, had: Any) -> bool:
    if isinstance(wanted, str) and isinstance(had, str):
        pattern = ".*".join(re.escape(part) for part in _masked(wanted).split("…"))
        return re.fullmatch(pattern, _masked(had), re.DOTALL) is not None
    if isinstance(wanted, dict) and isinstance(had, dict):
        return list(wanted) == list(had) and all(_fits(wanted[name], had[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(had, list):
        return len(wanted) == len(had) and all(map(_fits, wanted, had))
    return type(wanted) is type(had) and bool(wanted == had)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _masked(text: str) -> str:
    return _TIMES.sub("<time>", _IDS.sub("<id>", text))


class Console:
    """One shell for a whole page, with this house's `flask` and, where the machine has none, a `curl`."""

    def __init__(self, app: Flask, address: str, folder: Path) -> None:
        self._address = address
        commands = folder / "commands"
        commands.mkdir()
        self._flask = _FlaskCommand(app, commands)
        if shutil.which("curl") is None:
            _write_program(commands / "curl", f"import runpy\nrunpy.run_path({str(STAND_IN)!r}, run_name='__main__')")
        self._shell = subprocess.Popen(
            ["/bin/sh"],
            cwd=folder,
            env={"PATH": f"{commands}:{Path(sys.executable).parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """What the command prints, with the page's address in place of the test's."""
        assert self._shell.stdin and self._shell.stdout
        self._shell.stdin.write(command.replace(ADDRESS, self._address) + f"\necho\necho '{_DONE}'\n")
        self._shell.stdin.flush()
        printed = list(iter(self._shell.stdout.readline, f"{_DONE}\n"))
        return "".join(printed).replace(self._address, ADDRESS).strip()

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        self._flask.close()


class _FlaskCommand:
    """`flask …` on the shell's path, carried out in this process: a start of its own takes seconds, for each command.

    The same commands over the same database; only the process is not a new one.
    """

    def __init__(self, app: Flask, commands: Path) -> None:
        self._app = app
        self._folder = commands.parent
        self._listener = socket.create_server(("127.0.0.1", 0))
        _write_program(commands / "flask", _ASK.format(port=self._listener.getsockname()[1]))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        for asked in self._questions():
            with asked, asked.makefile("rw") as lines, contextlib.chdir(self._folder):
                result = self._app.test_cli_runner().invoke(args=json.loads(lines.readline()))
                lines.write(json.dumps([result.stdout, result.stderr, result.exit_code]) + "\n")

    def _questions(self) -> Iterator[socket.socket]:
        while True:
            try:
                yield self._listener.accept()[0]
            except OSError:  # closed
                return


_ASK = """
import json, socket, sys
with socket.create_connection(("127.0.0.1", {port})) as asked, asked.makefile("rw") as lines:
    lines.write(json.dumps(sys.argv[1:]) + "\\n")
    lines.flush()
    output, errors, status = json.loads(lines.readline())
print(output, end="")
print(errors, end="", file=sys.stderr)
sys.exit(status)
"""


def _write_program(path: Path, text: str) -> None:
    path.write_text(f"#!{sys.executable} -I\n{text}\n")
    path.chmod(0o755)
