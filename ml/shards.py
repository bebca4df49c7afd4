"""Members in shards: parts of a club that a night can be worked through one at a time, or on several machines. Which shard a
member is in hangs on the id alone, so it is the same in every table, engine and night.
"""

from dataclasses import dataclass
from math import ceil

import ibis.expr.types as ir

from ml.club import Club
from ml.errors import InputError
from ml.persons import same_person


@dataclass(frozen=True)
class Shard:
    """The shard of that number, from 0, of so many. Shard() is the whole club.

    >>> Shard(3, 7).name
    'part-3-of-7'
    """

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise InputError(f"shard {self.number} of {self.of}: there is none")

    @property
    def name(self) -> str:
        return f"part-{self.number}-of-{self.of}"

    @property
    def is_whole(self) -> bool:
        return self.of == 1

    @classmethod
    def named(cls, name: str) -> "Shard":
        """The inverse of `name`. Raises InputError."""
        words = name.split("-")
        if len(words) != 4 or not (words[1].isdigit() and words[3].isdigit()):
            raise InputError(f"{name} names no shard")
        return cls(int(words[1]), int(words[3]))

    def holds(self, member_id: ir.StringValue) -> ir.BooleanValue:
        """Is the member in this shard: the md5 of the id lies in the shard's part of all digests."""
        digest = member_id.hexdigest("md5")
        return (digest >= _bound(self.number, self.of)) & (digest < _bound(self.number + 1, self.of))

    def part_of(self, table: ir.Table) -> ir.Table:
        """The rows of the shard's members; the table itself where there is one shard, or it tells of no member."""
        if self.is_whole or "member_id" not in table.columns:
            return table
        return table.filter(self.holds(table.member_id))


WHOLE = Shard()


def shards_in(count: int) -> list[Shard]:
    """Every one of so many shards."""
    return [Shard(number, count) for number in range(count)]


def shard_count(members: int, a_shard: int) -> int:
    """How many shards keep each at about so many members; a club of fewer has one.

    >>> shard_count(2_469, 50_000), shard_count(1_000_000, 50_000)
    (1, 20)
    """
    return max(1, ceil(members / a_shard))


def shards_needed(club: Club, a_shard: int) -> int:
    """`shard_count` of the club's members; one where a person has several ids, as what one of them refuses must be heard by all."""
    if same_person(club).limit(1).count().to_pyarrow().as_py():
        return 1
    return shard_count(club.members.count().to_pyarrow().as_py(), a_shard)


def _bound(number: int, of: int) -> str:
    """Where the shard begins among all digests; "g" comes after every one of them."""
    return "g" if number == of else f"{ceil(number * 2**32 / of):08x}"
