"""Why a campaign is not simulated."""

from core.errors import Refusal


class SimulationRefused(Refusal):
    code = "simulation_refused"
    title = "This campaign cannot be simulated"
