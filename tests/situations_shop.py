"""What the shop of situations.py sells, and offers."""

from typing import Any

# product: department, category, subcategory, brand, price
PRODUCTS = {
    "milk": ("FOOD", "DAIRY", "MILK", "Fjell", 20), "beans": ("FOOD", "DRINKS", "COFFEE", "Kaffi", 80),
    "gown": ("CLOTHES", "LADIES", "EVENING GOWNS", "Silke", 2900),
    "nappy": ("BABY", "CARE", "NAPPIES", "Myk", 150), "pram": ("BABY", "WHEELS", "PRAMS", "Trill", 7000),
    "fly": ("SPORT", "FISHING", "FLIES", "Elv", 30), "reel": ("SPORT", "FISHING", "REELS", "Elv", 900),
    "pole": ("SPORT", "SKIING", "POLES", "Vidda", 1600), "suit": ("SPORT", "SKIING", "RACING SUITS", "Vidda", 3200),
    "pan": ("KITCHEN", "PANS", "FRYING PANS", "Jern", 500), "wok": ("KITCHEN", "PANS", "FRYING PANS", "Stal", 600),
    "casserole": ("KITCHEN", "PANS", "CASSEROLES", "Stal", 700), "knife": ("KITCHEN", "KNIVES", "BREAD KNIVES", "Stal", 300),
    "grill": ("GARDEN", "GRILLS", "GAS GRILLS", "Jern", 4000),
    "tyre": ("CAR", "WHEELS", "TYRES", "Gummi", 1200), "cover": ("CAR", "INSURANCE", "CAR COVER", "Trygg", 5000),
    "roses": ("GIFTS", "FLOWERS", "ROSES", "Hage", 250), "sofa": ("HOME", "SOFAS", "CORNER SOFAS", "Myk", 15000),
    **{f"tv{n}": ("HOME", "TELEVISIONS", "-", "Syn", 2500 * n * n) for n in range(1, 6)},
    **{f"washer{n}": ("HOME", "WASHING MACHINES", "-", "Ren", 3000 * n) for n in range(1, 6)},
}  # fmt: skip

# offer (its campaign bears the same name): product, and what differs from a discount by e-mail, usable in the store
OFFERS: dict[str, dict[str, Any]] = {
    "milk": {}, "beans": {}, "pan": {}, "wok": {}, "casserole": {}, "knife": {}, "grill": {}, "sofa": {}, "reel": {}, "suit": {},
    "gown": {"audience_rule": '{"gender": ["woman"]}'},
    "nappy": {"audience_rule": '{"children": ["1", "2", "3"]}'},
    "pram": {"audience_rule": '{"children": ["1", "2", "3"]}'},
    "tv5": {"price_tier": 5}, "washer5": {"price_tier": 5}, "washer1": {"price_tier": 1},
    "tyre-reminder": {"product": "tyre", "kind": "reminder"},
    "cover-reminder": {"product": "cover", "kind": "reminder"},
    "wedding-day": {"product": None, "kind": "reminder", "audience_rule": '{"wedding_date": []}'},
    "roses-for-the-day": {"product": "roses", "kind": "reminder", "audience_rule": '{"wedding_date": []}'},
    "recall": {"product": "washer1", "kind": "service", "message_class": "service"},
    "recipes": {"product": None, "kind": "content", "message_class": "content"},
    "text": {"product": "beans", "channels": '["sms", "email"]'},
    "long-text": {"product": "beans", "channels": '["sms", "email"]', "title": "A word on coffee. " * 12},
    "app-only": {"product": "beans", "redeemable_in": '["app"]'},
    "letter": {"product": "beans", "channels": '["post"]', "margin": 0.5},
    "dear-letter": {"product": "beans", "channels": '["post"]', "margin": 5000},
}  # fmt: skip
