"""Why a journey is not played over the past."""

from core.errors import Refusal


class BacktestRefused(Refusal):
    code = "backtest_refused"
    title = "This journey cannot be played over the past now"
