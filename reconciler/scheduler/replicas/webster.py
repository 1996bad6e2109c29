"""The Webster (Sainte-Laguë) dispenser: seats by votes (spec scheduling §4.6).

Promises the same answer as handing out seats one at a time to the greatest `votes / (2 * seats + 1)`, in time that does
not grow with the number of seats.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from math import isqrt
from typing import Any, Final, TypeVar

from reconciler.model.identity import fnv1a32

Party = TypeVar("Party", bound=Any)
_EXACT: Final = 2**52


def webster(
    seats: int,
    votes: Mapping[Party, int],
    initial: Mapping[Party, int] | None = None,
    *,
    descending: bool = False,
) -> dict[Party, int]:
    """Seats by party, in the order of the parties' names; parties that end with none are left out.

    `initial` seats are held already, count in the result, and may name parties without votes. Ties go to the party with
    fewer seats, then to the smaller name, or the greater where `descending`. Without any vote nobody gets a new seat.
    """
    held = dict(initial or {})
    contenders = [party for party, count in votes.items() if count > 0]
    if not held and 0 < seats < len(contenders):
        contenders = _largest(seats, contenders, votes, descending=descending)
    contenders.sort()
    if seats > 0 and contenders:
        start = [held.get(party, 0) for party in contenders]
        taken = _hand_out(seats, [votes[party] for party in contenders], start, descending=descending)
        held.update(zip(contenders, taken, strict=True))
    return {party: held[party] for party in sorted(held) if held[party] > 0}


def _largest(
    number: int, contenders: list[Party], votes: Mapping[Party, int], *, descending: bool
) -> list[Party]:
    """Those that can have a seat at all: the first seat of a party costs all its votes."""
    rounded = {party: float(votes[party]) for party in contenders}
    least = sorted(rounded.values(), reverse=True)[number - 1]
    larger = [party for party in contenders if rounded[party] > least]
    equal = sorted((party for party in contenders if rounded[party] == least), reverse=descending)
    return larger + equal[: number - len(larger)]


def is_descending(uid: str) -> bool:
    """Whether ties go to greater names: an odd FNV-1a hash of the template's UID; an empty UID means ascending."""
    return bool(uid) and fnv1a32(uid) % 2 == 1


def _hand_out(seats: int, votes: list[int], held: list[int], *, descending: bool) -> list[int]:
    """The final seats by index; indexes are in the order of the parties' names."""
    result = _certain_seats(seats, votes, held)
    left = seats - (sum(result) - sum(held))
    sign = -1 if descending else 1
    # Karmada rounds twice: votes beyond 2^53 first, then the quotient.
    rounded = [float(vote) for vote in votes]
    heap = [
        (-vote / (2 * taken + 1), taken, sign * index)
        for index, (vote, taken) in enumerate(zip(rounded, result, strict=True))
    ]
    heapq.heapify(heap)
    for _ in range(left):
        _, taken, signed = heap[0]
        index = sign * signed
        taken += 1
        result[index] = taken
        heapq.heapreplace(heap, (-rounded[index] / (2 * taken + 1), taken, signed))
    return result


def _certain_seats(seats: int, votes: list[int], held: list[int]) -> list[int]:
    """Seats that are beyond doubt: those with a quotient above some bound, where no more than `seats` are above it.

    The bound sum(votes) / scale is guessed, closest first; the last guess is always low enough. Where a quotient may not be
    exact as a float, one seat per party is left in doubt.
    """
    total, count = sum(votes), len(votes)
    doubt = 0 if max(votes) * (2 * (seats + max(held)) + 1) < _EXACT else 1
    for scale in (2 * seats, 2 * seats - 2 * isqrt(count), 2 * seats - count):
        if scale <= 0:
            break
        # votes / (2k + 1) > total / scale holds for (ceil(votes * scale / total) - 1 + 1) // 2 values of k.
        above = [
            taken if taken > (sure := ((vote * scale - 1) // total + 1) // 2) else sure
            for vote, taken in zip(votes, held, strict=True)
        ]
        if sum(above) - sum(held) <= seats:
            return (
                [max(taken, sure - doubt) for taken, sure in zip(held, above, strict=True)]
                if doubt
                else above
            )
    return list(held)
