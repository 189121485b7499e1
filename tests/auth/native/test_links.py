"""Which apps the brand's links and passkeys belong to, as iOS and Android ask."""

from dataclasses import replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

APPLE, ANDROID = "/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"
FINGERPRINT = ":".join(["14"] * 32)


def test_ios_is_told_of_the_brands_apps(app: Flask, client: FlaskClient) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], apple_app_ids="ABCDE12345.com.example.app")

    answer: Any = client.get(APPLE)

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json["webcredentials"] == {"apps": ["ABCDE12345.com.example.app"]}
    assert answer.json["applinks"]["details"][0]["appIDs"] == ["ABCDE12345.com.example.app"]
    assert {"/": "/c/*"} in answer.json["applinks"]["details"][0]["components"]


def test_android_is_told_of_each_app_once_with_all_its_certificates(app: Flask, client: FlaskClient) -> None:
    other = FINGERPRINT.replace("14", "6D")
    apps = f"com.example.app={FINGERPRINT},com.example.app={other},com.example.till={other}"
    app.extensions["settings"] = replace(app.extensions["settings"], android_apps=apps)

    answer: Any = client.get(ANDROID)

    targets = [statement["target"] for statement in answer.json]
    assert [target["package_name"] for target in targets] == ["com.example.app", "com.example.till"]
    assert targets[0]["sha256_cert_fingerprints"] == [FINGERPRINT, other]
    assert "delegate_permission/common.get_login_creds" in answer.json[0]["relation"]


def test_where_no_app_is_named_nothing_is_claimed(client: FlaskClient) -> None:
    apple: Any = client.get(APPLE)
    android: Any = client.get(ANDROID)

    assert apple.json == {"applinks": {"details": []}, "webcredentials": {"apps": []}}
    assert android.json == []
