"""From measured runs to the size of a deployment: a model that is fitted, checked, then used."""

from loadtest.capacity.model import Model, fit_model
from loadtest.capacity.observations import Observation, observe
from loadtest.capacity.plan import Plan, plan
from loadtest.capacity.scalability import Scaling, fit_scaling
from loadtest.capacity.wish import Wish

__all__ = [
    "Model",
    "Observation",
    "Plan",
    "Scaling",
    "Wish",
    "fit_model",
    "fit_scaling",
    "observe",
    "plan",
]
