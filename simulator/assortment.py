"""What the invented club sells: departments, categories, subcategories, and five products of each, one a price tier. All
names are invented. How members take to it is in people.py and behaviour.py.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

TIERS = np.array([0.6, 0.8, 1.0, 1.4, 2.2])  # price of a tier, as a share of the subcategory's usual price
BRANDS = ("Enkel", "Nordvik", "Solheim", "Fjellro", "Aurora")  # by tier; the first is the shop's own


@dataclass(frozen=True)
class Subcategory:
    """cycle   days between two purchases of someone who uses it
    peak    week of the year in which most is bought; 0 = no season
    who     "" everyone, "f", "m", "baby", "car"
    staple  nearly everyone uses it
    """

    department: str
    category: str
    name: str
    cycle: int
    price: float
    peak: int = 0
    who: str = ""
    staple: bool = False


def _read(text: str) -> tuple[Subcategory, ...]:
    found = []
    for line in text.strip().splitlines():
        department, category, name, cycle, price, peak, who = (part.strip() for part in line.split("|"))
        found.append(
            Subcategory(
                department, category, name, int(cycle), float(price), int(peak or 0), who.rstrip("*"), "*" in who
            )
        )
    return tuple(found)


SUBCATEGORIES = _read("""
Food        | Dairy        | Milk               | 10   | 22    |    | *
Food        | Dairy        | Brown cheese       | 30   | 95    |    | *
Food        | Bakery       | Bread              | 10   | 38    |    | *
Food        | Drinks       | Coffee             | 28   | 75    |    | *
Food        | Drinks       | Fizzy drinks       | 21   | 30    | 27 |
Food        | Snacks       | Sweets             | 28   | 35    |    |
Food        | Snacks       | Ice cream          | 35   | 45    | 28 |
Food        | Fish         | Salmon             | 28   | 160   |    |
Food        | Meat         | Christmas ribs     | 120  | 320   | 51 |
Food        | Pets         | Dog food           | 28   | 240   |    |
Food        | Pets         | Cat food           | 28   | 180   |    |
Household   | Cleaning     | Washing powder     | 60   | 85    |    | *
Household   | Cleaning     | Dish tablets       | 60   | 99    |    | *
Household   | Paper        | Toilet paper       | 35   | 60    |    | *
Baby        | Nappies      | Nappies            | 12   | 140   |    | baby
Baby        | Baby food    | Porridge           | 14   | 45    |    | baby
Baby        | Baby gear    | Prams              | 1500 | 7900  |    | baby
Toys        | Toys         | Building sets      | 120  | 399   | 50 | baby
White goods | Washing      | Washing machines   | 2800 | 6500  |    |
White goods | Kitchen      | Dishwashers        | 2800 | 5900  |    |
White goods | Kitchen      | Coffee machines    | 1500 | 2200  |    |
Electronics | Television   | Televisions        | 2000 | 9900  | 48 |
Electronics | Sound        | Headphones         | 700  | 1490  |    |
Electronics | Phones       | Phones             | 900  | 6900  |    |
Sport       | Skiing       | Ski poles          | 500  | 599   | 2  |
Sport       | Skiing       | Racing suits       | 700  | 1899  | 3  |
Sport       | Skiing       | Ski wax            | 90   | 149   | 2  |
Sport       | Fishing      | Mayflies           | 60   | 39    | 24 |
Sport       | Fishing      | Fishing reels      | 800  | 1290  | 22 |
Sport       | Running      | Running shoes      | 250  | 1390  |    |
Sport       | Cycling      | Bicycles           | 1800 | 8900  | 19 |
Sport       | Hiking       | Tents              | 1500 | 2990  | 25 |
Clothing    | Evening wear | Evening gowns      | 400  | 1990  | 50 | f
Clothing    | Evening wear | Dark suits         | 700  | 3490  | 20 | m
Clothing    | Everyday     | Wool underwear     | 200  | 499   | 45 |
Clothing    | Everyday     | Jeans              | 200  | 899   |    |
Beauty      | Skin care    | Face cream         | 60   | 249   |    | f
Beauty      | Shaving      | Razor blades       | 60   | 149   |    | m
Car         | Tyres        | Winter tyres       | 1200 | 5200  | 43 | car
Car         | Tyres        | Summer tyres       | 1200 | 4800  | 15 | car
Car         | Car care     | Screen wash        | 60   | 79    | 3  | car
Services    | Insurance    | Home insurance     | 365  | 2900  |    |
Services    | Insurance    | Car insurance      | 365  | 4900  |    | car
Garden      | Garden       | Flower bulbs       | 150  | 89    | 38 |
Garden      | Garden       | Lawn mowers        | 2500 | 4900  | 20 |
Books       | Books        | Crime novels       | 60   | 249   | 14 |
""")
CATEGORIES = tuple(dict.fromkeys(s.category for s in SUBCATEGORIES))
DEPARTMENTS = tuple(dict.fromkeys(s.department for s in SUBCATEGORIES))

DEPARTMENT = np.array(
    [DEPARTMENTS.index({s.category: s.department for s in SUBCATEGORIES}[c]) for c in CATEGORIES]
)  # of each category
CATEGORY = np.array([CATEGORIES.index(s.category) for s in SUBCATEGORIES])
CYCLE = np.array([s.cycle for s in SUBCATEGORIES], dtype=np.float32)
PRICE = np.array([s.price for s in SUBCATEGORIES])
PEAK = np.array([s.peak for s in SUBCATEGORIES])
STAPLE = np.array([s.staple for s in SUBCATEGORIES])
PRODUCT_IDS = np.array([f"p{s:02d}{tier}" for s in range(len(SUBCATEGORIES)) for tier in range(1, 6)])


def season(week_of_year: int) -> np.ndarray:
    """How much more than usual each subcategory is wanted in a week of the year; (subcategories,), 1 = as usual."""
    away = np.abs(week_of_year - PEAK)
    away = np.minimum(away, 52 - away)
    return np.where(PEAK == 0, 1.0, 0.15 + 2.2 * np.exp(-((away / 6.0) ** 2))).astype(np.float32)


def products() -> pa.Table:
    """The table products of the contract."""
    rows = [
        {
            "product_id": f"p{n:02d}{tier}", "department": s.department, "category": s.category, "subcategory": s.name,
            "brand": BRANDS[tier - 1], "list_price": round(s.price * TIERS[tier - 1], 2), "own_brand": tier == 1,
        }
        for n, s in enumerate(SUBCATEGORIES) for tier in range(1, 6)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)
