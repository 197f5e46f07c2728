"""What every request of the HTTP side shares."""

from dataclasses import dataclass

from chat.api.stats import ApiStats
from chat.broker.broker import Broker
from chat.broker.members import Members
from chat.gateway.address import Network
from chat.gateway.origin import OriginPolicy
from chat.identity.tokens import Verifier
from chat.limits.users import UserBudgets
from chat.settings import Settings


@dataclass(slots=True)
class ApiServices:
    """The parts that requests use."""

    settings: Settings
    stats: ApiStats
    broker: Broker
    members: Members
    verifier: Verifier
    users: UserBudgets
    origins: OriginPolicy
    trusted_proxies: tuple[Network, ...]
    connections: int = 0  # open ones, kept by the server
    draining: bool = False
