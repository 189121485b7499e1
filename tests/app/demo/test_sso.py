"""The play signs a customer into a second app of the brand without asking."""

from tests.app.demo.replay import Stage
from tests.app.demo.test_wallet_scene import told


def test_the_second_app_is_signed_in_without_a_code(theatre: Stage) -> None:
    section = told("One login for two apps")

    assert [tuple(row) for row in section.rows] == [
        ("the first app", "1", "yes", "yes"),
        ("the second app", "0", "yes", "yes"),
    ]
    assert section.notes[0].endswith("as well: yes.")
