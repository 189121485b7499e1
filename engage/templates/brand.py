"""The brand as its messages name it."""

from core.settings import Settings

_settings = Settings()


def load(settings: Settings) -> None:
    """Take the brand's name, language and time zone; before any message is written."""
    global _settings
    _settings = settings


def name() -> str:
    return _settings.brand_name


def locale() -> str:
    return _settings.brand_locale


def time_zone() -> str:
    return _settings.brand_time_zone
