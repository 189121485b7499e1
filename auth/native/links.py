"""Links: what tells iOS and Android that the brand's links and passkeys belong to the brand's apps."""

from typing import Any

from core.settings import Settings
from core.settings_checks import parts

#: Claim links, enrolments, tracked links, and the sign-in that comes back to the app.
_PATHS = ("/c/*", "/e/*", "/l/*", "/sign-in*")
_RELATIONS = ("delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds")


def for_apple(settings: Settings) -> dict[str, Any]:
    """source  Apple, "Supporting associated domains": apple-app-site-association"""
    apps = parts(settings.apple_app_ids)
    details = [{"appIDs": apps, "components": [{"/": path} for path in _PATHS]}] if apps else []
    return {"applinks": {"details": details}, "webcredentials": {"apps": apps}}


def for_android(settings: Settings) -> list[dict[str, Any]]:
    """source  Google Digital Asset Links, statement lists; one statement an app, with all its certificates"""
    fingerprints: dict[str, list[str]] = {}
    for app in parts(settings.android_apps):
        package, _, fingerprint = app.partition("=")
        fingerprints.setdefault(package, []).append(fingerprint)
    return [
        {
            "relation": list(_RELATIONS),
            "target": {"namespace": "android_app", "package_name": package, "sha256_cert_fingerprints": certificates},
        }
        for package, certificates in fingerprints.items()
    ]
