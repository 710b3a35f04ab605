"""What the pods of a job agree on before their ranks start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ranks.rank_env import Place
from ranks.rank_table import Server


@dataclass(frozen=True)
class Agreement:
    """What all pods share: where ranks meet and, for a generated table, the servers in the pods' order."""

    host: str
    port: int
    servers: Tuple[Server, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One pod's part: where ranks meet, its places, and the rank table as text where there is one."""

    host: str
    port: int
    places: Tuple[Place, ...]
    table: Optional[str] = None
