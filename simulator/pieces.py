"""Columns made fast: words by number, ids of numbers, and the log in which a block's events are gathered week by week."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.plan import Offer


def picked(index: np.ndarray, words: Sequence[str] | np.ndarray) -> pa.DictionaryArray:
    """words[index], each word held once."""
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(words, pa.string()))


def texts(word: str, rows: int) -> pa.DictionaryArray:
    """The same word in every row."""
    return picked(np.zeros(rows, np.int32), [word])


def joined(*parts: pa.Array | str) -> pa.Array:
    """Ids of several parts with - between."""
    plain = [p.cast(pa.string()) if isinstance(p, pa.Array) else p for p in parts]
    return pc.binary_join_element_wise(*plain, "-")


class Named:
    """Offers and their campaigns by name, given the offers' numbers."""

    def __init__(self, offers: Sequence[Offer]):
        self._offers = [o.offer_id for o in offers]
        self._campaigns = list(dict.fromkeys(o.campaign_id for o in offers))
        place = {name: n for n, name in enumerate(self._campaigns)}
        self._of = np.array([place[o.campaign_id] for o in offers], dtype=np.int32)

    def offer(self, number: np.ndarray) -> pa.DictionaryArray:
        return picked(number, self._offers)

    def campaign(self, number: np.ndarray) -> pa.DictionaryArray:
        return picked(self._of[number], self._campaigns)


class Log:
    """Events of one kind by column. A column given as a single number holds for every row of the call."""

    def __init__(self, **columns: type):
        self._types = columns
        self._parts: dict[str, list[np.ndarray]] = {name: [] for name in columns}

    def add(self, member: np.ndarray, **columns: np.ndarray | float) -> None:
        """Raises KeyError for a column that is not the log's, or is missing."""
        for name, kind in self._types.items():
            value = member if name == "member" else columns[name]
            self._parts[name].append(np.broadcast_to(np.asarray(value, dtype=kind), member.shape))

    def columns(self, members: int, until: int | None = None) -> dict[str, np.ndarray]:
        """Every event of the first `members` members, before the second `until` where the log has seconds."""
        held = {
            name: np.concatenate(parts) if parts else np.empty(0, self._types[name])
            for name, parts in self._parts.items()
        }
        kept = held["member"] < members
        if until is not None:
            kept &= held["second"] < until
        return {name: values[kept] for name, values in held.items()}
