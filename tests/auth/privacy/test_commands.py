"""What operators do for privacy by hand."""

from pathlib import Path

from flask import Flask

from tests.auth.privacy.conftest import Account, work_off


def test_keys_are_wrapped_anew_by_command(app: Flask, account: Account) -> None:
    told = app.test_cli_runner().invoke(args=["keys", "rewrap"])

    assert (told.exit_code, told.output.splitlines()[0]) == (0, "0 data keys wrapped anew")
    assert "version 1 wraps" in told.output


def test_the_register_is_checked_by_command(app: Flask, account: Account) -> None:
    account.erase()
    work_off()

    told = app.test_cli_runner().invoke(args=["erasures", "check"])

    assert (told.exit_code, told.output) == (0, "1 in the register, 1 erased, 0 under way\n")


def test_a_register_that_has_lost_its_last_lines_is_found_by_command(
    app: Flask, account: Account, register: Path
) -> None:
    account.erase()
    work_off()
    register.write_text("")

    told = app.test_cli_runner().invoke(args=["erasures", "check"])

    assert told.exit_code == 1
    assert "1 erased are not in the register" in told.output


def test_a_damaged_register_is_told_in_one_line(app: Flask, account: Account, register: Path) -> None:
    account.erase()
    work_off()
    register.write_text(register.read_text().replace("customer:", "staff:"))

    told = app.test_cli_runner().invoke(args=["erasures", "check"])

    assert told.exit_code != 0
    assert "ERASURE_REGISTER is damaged at line 1" in (told.output or str(told.exception))
