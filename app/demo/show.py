"""What the demo's commands do: play where nothing is played yet, lay the table, serve."""

from pathlib import Path

from rich.console import Console

from app.cli import refuse_used_port
from app.demo import differences, figures, serving, source_files, stage, table, telling, windows
from app.demo.play import play
from app.demo.progress import Bars
from app.demo.source_campaigns import past_campaigns
from app.demo.source_facts import facts
from app.demo.source_files import DemoDataMissing, Files
from app.demo.stage import Played
from core import consistency
from core.errors import ConfigurationError
from core.gateways import registry
from core.settings import Settings
from rewards import checks as rewards_checks
from wallet import checks

#: Baskets that differ are named up to here; a fault of principle would fill the screen.
MOST_NAMED = 20
PIPE_WIDTH = 120

#: Where the scene at the end leaves its papers: git ignores the folder, and `make clean` removes it.
PAPERS = Path(__file__).resolve().parents[2] / ".data" / "demo"


def run(settings: Settings, *, days: int, exits: bool, host: str, port: int) -> int:
    """The exit status of `flask demo`: 1 when anything differs.

    raises  ConfigurationError, in one line that says what to do, before anything is played
    """
    if settings.is_production:
        raise ConfigurationError("the demo makes up customers: it does not run with ENVIRONMENT=production")
    if not exits:
        refuse_used_port(host, port)
    window, console, files = windows.of_days(days), _console(), _open_files()
    settings = stage.settings_of(settings)

    played = stage.open_played(settings) if stage.exists(settings) else None
    if played is None or played.window != window:
        stage.open_empty(settings)
        console.print(f"Playing {windows.title(window)}: real households' days, under a simulated clock.")
        played = play(settings, registry.build(settings), files, window, Bars(console), PAPERS)
    elif played.differences == 0 and not exits:
        console.print(f"{windows.title(window)} stands as it was played at {played.finished_at:%Y-%m-%d %H:%M} UTC.")
        console.print("`flask --app wsgi demo check` lays its table again.")
    if exits or played.differences != 0:
        status = lay_table(files, played, console)
        telling.tell(stage.told(), console)
        if exits or status:
            return status
    return serving.serve(settings, host=host, port=port, console=console)


def check(settings: Settings) -> int:
    """The exit status of `flask demo check`.

    raises  ConfigurationError when nothing was played, or not to its end
    """
    console, files, settings = _console(), _open_files(), stage.settings_of(settings)
    played = stage.open_played(settings) if stage.exists(settings) else None
    if played is None:
        raise ConfigurationError("nothing has been played to its end by this version: run `make demo` first")
    return lay_table(files, played, console)


def _console() -> Console:
    """As wide as the terminal; into a file or pipe as wide as the table."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


def _open_files() -> Files:
    try:
        return source_files.open_files()
    except DemoDataMissing as error:
        raise ConfigurationError(str(error)) from error


def lay_table(files: Files, played: Played, console: Console) -> int:
    """Compute everything anew, print it, and name what differs; how the play ends."""
    scene = stage.scene()
    # Though a worker may be at it: a trial purchase must not show in half of the figures.
    with consistency.one_instant() as connection:
        # It waits while the files are read, and holds nobody's horizon back, since it writes nothing.
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        past = past_campaigns(files, played.window)
        shown = table.sections(facts(files, played.window), past, figures.ours(connection, scene, played.window))
        faults = list(differences.between(files, connection, scene, played.window))
        told = list(differences.simulated(files, connection, played.window))
        unbalanced = checks.first_difference(connection)
        miscounted = rewards_checks.first_difference(connection)
    rows = table.differing(shown)

    console.print()
    console.print(
        table.drawn(shown, title=windows.title(played.window), last_lines=_last_lines(played, unbalanced, miscounted))
    )
    for row in rows:
        console.print(f"differs: {row.label}: source {row.shown(row.source)}, ours {row.shown(row.ours)}")
    for fault in faults[:MOST_NAMED]:
        console.print(f"differs: {fault}", soft_wrap=True)
    if len(faults) > MOST_NAMED:
        console.print(f"and {len(faults) - MOST_NAMED:,} more baskets")
    for words in told:
        console.print(f"differs: {words}", soft_wrap=True)
    count = len(rows) + len(faults) + len(told) + bool(unbalanced) + bool(miscounted)
    stage.keep_differences(count)
    return 1 if count else 0


def _last_lines(played: Played, unbalanced: str | None, miscounted: str | None) -> list[tuple[str, str]]:
    return [
        ("ledger", unbalanced or "balanced"),
        ("counters, vouchers and redemptions, derived again", miscounted or "agree"),
        ("seconds to set up", f"{played.setting_up_seconds:,.1f}"),
        ("seconds for the baskets, readers and due work included", f"{played.seconds:,.1f}"),
        ("baskets a second", f"{played.baskets / played.seconds:,.0f}"),
    ]
