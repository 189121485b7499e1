"""`flask client add`, for who stands at the server."""

from flask import Flask

from auth.oauth import clients


def test_an_operator_adds_a_client_and_is_told_its_secret_once(app: Flask) -> None:
    given = ["client", "add", "--name", "Corner Books", "--auth-method", "client_secret_basic",
             "--redirect-uri", "https://books.example/callback", "--scope", "openid", "--scope", "phone"]  # fmt: skip

    told = app.test_cli_runner().invoke(args=given)

    assert told.exit_code == 0, told.output
    client_id, secret = told.output.split()
    client = clients.find(client_id)
    assert client is not None
    assert (client.kind, client.scopes, client.sector) == ("partner", ("openid", "phone"), "books.example")
    answer = app.test_client().post("/oauth/introspect", data={"token": "x"}, auth=(client_id, secret))
    assert answer.json == {"active": False}


def test_what_cannot_be_a_client_is_refused_in_one_line(app: Flask) -> None:
    told = app.test_cli_runner().invoke(args=["client", "add", "--name", "Corner Books"])

    assert told.exit_code != 0
    assert told.output.startswith("Error: redirect_uris: A partner's sign-in ends at one of these: name one. sector: ")
