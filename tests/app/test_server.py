"""A process that serves has its campaigns in memory before it is asked for anything."""

import os
import subprocess
import sys
from pathlib import Path

from app.cli import server_command
from core.settings import Settings
from tests.rewards.conftest import World, world  # noqa: F401 - a fixture

PROJECT = Path(__file__).resolve().parents[2]

# Printed when nothing but that import was done.
LOOK = """
import importlib, sys
module, name = sys.argv[1].split(":")
served = getattr(importlib.import_module(module), name)
from rewards.campaigns import catalogue
from rewards.offers import shelf
print(served.name, len(catalogue._latest.campaigns), len(shelf._index))
"""


def test_a_server_has_read_the_campaigns_before_its_first_request(
    world: World,  # noqa: F811 - pytest's way
    settings: Settings,
) -> None:
    world.campaign()
    world.campaign(starts_now=False)
    world.gift_campaign()

    environment = {**os.environ, "DATABASE_URL": settings.database_url, "ENVIRONMENT": "test"}
    command = [sys.executable, "-c", LOOK, server_command("127.0.0.1", 8000, 1)[-1]]
    ran = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["pocketful", "2", "1"]
