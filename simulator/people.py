"""Who the members are, and what nobody sees of them: tastes, price positions, life stages to come. What they do with it is
in behaviour.py.
"""

from dataclasses import dataclass

import numpy as np

from simulator.assortment import CATEGORY, CYCLE, DEPARTMENT, DEPARTMENTS, STAPLE, SUBCATEGORIES
from simulator.draws import BLOCK, Purpose, generator

TOWNS = (("0350", 59.92, 10.74), ("5003", 60.39, 5.32), ("7011", 63.43, 10.40), ("4006", 58.97, 5.73), ("9008", 69.65, 18.96),
         ("3015", 59.74, 10.20), ("2609", 61.12, 10.47), ("3580", 60.53, 8.21))  # fmt: skip
HOME_STORES, CABIN_STORES = 6, (6, 7)  # the last two towns are where the cabins are
CHANNELS = ("email", "sms", "push", "post")
STAGES = ("student", "single", "couple", "family", "retired")
LIKED, LIKED_WITHIN, LIKED_ELSEWHERE = (
    0.3,
    0.8,
    0.08,
)  # share of departments liked; of the categories in those, and in others
CHILD_WEEKS = 150  # weeks a child needs what babies need
_FOR = np.array([s.who for s in SUBCATEGORIES])


@dataclass
class People:
    """One block of members. Arrays are (members,), (members, categories) or (members, subcategories).

    baby_week   week in which a child arrives, from the club's last Monday; a large number = never
    taste       how much the category is liked: 1 = usual, 0.02 = hardly
    position    what is paid in the category: 1 cheapest .. 5 dearest
    attention   share of the messages on a channel that are seen; (members, channels)
    candour     probability that a declared fact is true
    """

    block: int
    age: np.ndarray
    female: np.ndarray
    car: np.ndarray
    student: np.ndarray
    baby_week: np.ndarray
    town: np.ndarray
    cabin: np.ndarray
    taste: np.ndarray
    position: np.ndarray
    attention: np.ndarray
    candour: np.ndarray
    activity: np.ndarray
    fragility: np.ndarray

    def ids(self) -> np.ndarray:
        return np.char.add("m", np.char.zfill((np.arange(BLOCK) + self.block * BLOCK).astype(str), 8))

    def has_baby(self, week: int) -> np.ndarray:
        return (self.baby_week <= week) & (week < self.baby_week + CHILD_WEEKS)

    def stage(self, week: int) -> np.ndarray:
        """Index into STAGES of each member in a week."""
        parent = self.baby_week <= week
        return np.where(
            parent, 3, np.where(self.age >= 67, 4, np.where(self.student, 0, np.where(self.age < 35, 1, 2)))
        )

    def need(self, week: int) -> np.ndarray:
        """How much each subcategory concerns each member in a week, by taste and by stage of life."""
        fits = np.ones((BLOCK, len(SUBCATEGORIES)), dtype=np.float32)
        for who, held in (("f", self.female), ("m", ~self.female), ("baby", self.has_baby(week)), ("car", self.car)):
            fits[:, who == _FOR] = np.where(held, 1.0, 0.01)[:, None]
        need = self.taste[:, CATEGORY] * fits
        need[:, STAPLE] = np.maximum(need[:, STAPLE], 0.3)
        baby = _FOR == "baby"
        need[:, baby] = np.where(self.has_baby(week)[:, None], np.maximum(need[:, baby], 0.8), need[:, baby] * 0.1)
        return need


def people_of(seed: int, block: int) -> People:
    """The members of a block as they are, whatever the size of the club."""
    rng = generator(seed, block, Purpose.PEOPLE)
    age = np.clip(rng.gamma(6.0, 7.5, BLOCK), 16, 92).astype(int)
    student = (age < 27) & (rng.random(BLOCK) < 0.6)
    fertile = (age >= 20) & (age < 45) & (rng.random(BLOCK) < 0.45)
    baby_week = np.where(fertile, rng.integers(-250, 60, BLOCK), 30_000)
    taste = _tastes(rng)
    level = rng.normal(0, 0.35, (BLOCK, 1))  # a little is common to all categories, most is not
    return People(
        block=block, age=age, female=rng.random(BLOCK) < 0.52, car=rng.random(BLOCK) < np.where(student, 0.2, 0.7),
        student=student, baby_week=baby_week, town=rng.integers(0, HOME_STORES, BLOCK),
        cabin=np.where(rng.random(BLOCK) < 0.3, rng.integers(6, 8, BLOCK), -1), taste=taste,
        position=np.clip(2.9 + level + rng.normal(0, 1.0, taste.shape), 1, 5).astype(np.float32),
        attention=rng.beta(3, 3, (BLOCK, len(CHANNELS))).astype(np.float32),
        candour=rng.beta(9, 1, BLOCK), activity=rng.gamma(3, 1 / 3, BLOCK).astype(np.float32) + 0.1,
        fragility=rng.gamma(2, 0.5, BLOCK).astype(np.float32),
    )  # fmt: skip


def _tastes(rng: np.random.Generator) -> np.ndarray:
    """Tastes over the tree of departments and categories: who likes a department likes most of it, and little of the others."""
    department = rng.random((BLOCK, len(DEPARTMENTS))) < LIKED
    chance = np.where(department[:, DEPARTMENT], LIKED_WITHIN, LIKED_ELSEWHERE)
    liked = rng.random(chance.shape) < chance
    strength = rng.normal(0, 0.35, department.shape)[:, DEPARTMENT] + rng.normal(0.2, 0.35, chance.shape)
    return np.where(liked, np.exp(strength), 0.02).astype(np.float32)


def first_waits(seed: int, block: int) -> np.ndarray:
    """Days since each subcategory was last bought, when the history begins; (members, subcategories)."""
    rng = generator(seed, block, Purpose.PEOPLE, week=1)
    return (rng.random((BLOCK, len(SUBCATEGORIES)), dtype=np.float32) * 1.3 * CYCLE).astype(np.float32)
