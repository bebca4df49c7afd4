"""What a feature is: its name, unit, meaning, family and grain, and which stages of the model read it. The features
themselves are listed in features_of_*.py and put together in feature_dictionary.py.
"""

from dataclasses import dataclass
from enum import StrEnum

from ml.tables import Column, Type


class Grain(StrEnum):
    """What a feature is a fact of."""

    MEMBER = "member"
    CATEGORY = "member x category"
    MEMBER_DEPARTMENT = "member x department"
    CAMPAIGN = "campaign"
    OFFER = "offer"
    MEMBER_CAMPAIGN = "member x campaign"
    MEMBER_OFFER = "member x offer"


@dataclass(frozen=True)
class Feature:
    """One feature.

    mailing, offer   is it an input of the mailing stage (will the member answer at all) and of the offer stage (which)
    named            is it an input where every mailing names its offer, of the one stage that there is then
    monotone         +1 or -1 where sense demands that relevance never falls, or never rises, with it; 0 = free
    category         its values are names, not amounts
    """

    name: str
    unit: str
    meaning: str
    family: str
    grain: Grain
    mailing: bool = True
    offer: bool = False
    named: bool = False
    monotone: int = 0
    category: bool = False

    @property
    def column(self) -> Column:
        """The feature as a column of a lake table; any feature may be unknown."""
        kind = Type.STRING if self.category else Type.NUMBER
        return Column(self.name, kind, self.meaning, self.unit, nullable=True, personal="member" in self.grain)


FAMILIES: dict[str, str] = {
    "recency": "how lately the member shopped",
    "frequency": "how often the member shops",
    "spend": "how much the member buys",
    "breadth": "how wide the member's assortment is",
    "discount": "how the member uses discounts and coupons",
    "response": "how the member answered earlier mailings",
    "declared": "what the member has said",
    "calendar": "time of year and length of the campaign",
    "campaign": "what the campaign is",
    "affinity": "what of the campaign or offer the member buys",
    "coupon affinity": "where the member has used coupons before",
    "answered affinity": "which offers like it the member has answered",
    "feedback": "what the member said of offers like it",
    "repetition": "whether it is an interest or was one impulse",
    "replenishment": "whether it is time to buy again",
    "price": "what the member pays beside others",
    "offer": "kind, depth and breadth of the offer",
    "popularity": "how the club's members take to it",
}

# Units that many features share.
DAYS, RATE, SHARE, DECAYED = "days", "per 30 days", "share 0..1", "baskets, halved every 45 days"
