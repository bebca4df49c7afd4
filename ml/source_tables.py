"""The club's tables as Hemsil takes them in: the one definition from which the checks, the lake's schema, docs/tables.md
and the comments in the database are made. Published tables are in published_tables.py.
"""

from ml.tables import Column, Table, Type

# One line a column: a table reads as a table.
# fmt: off

CHANNELS = ("email", "sms", "push", "post", "phone", "store")
SALES_CHANNELS = ("store", "web", "app")
RESPONSE_KINDS = ("open", "click", "redeem", "unsubscribe", "complaint")
MESSAGE_CLASSES = ("marketing", "service", "content")
OFFER_KINDS = ("discount", "content", "reminder", "event", "service")
FEEDBACK_SCOPES = ("offer", "product", "subcategory", "category", "department", "brand")


def _member(nullable: bool = False) -> Column:
    return Column("member_id", Type.STRING, "The member.", nullable=nullable, personal=True, references="members")


def _campaign() -> Column:
    return Column("campaign_id", Type.STRING, "The campaign.", references="campaigns")


def _offer(nullable: bool = False) -> Column:
    return Column("offer_id", Type.STRING, "The offer.", nullable=nullable, references="offers")


def _product() -> Column:
    return Column("product_id", Type.STRING, "The product.", references="products")


MEMBERS = Table(
    "members", "One row a member of the club.", ("member_id",),
    (
        Column("member_id", Type.STRING, "The member's id.", personal=True),
        Column("joined_on", Type.DATE, "Day of joining the club.", nullable=True, personal=True),
        Column("birth_year", Type.INTEGER, "Year of birth.", "year", nullable=True, personal=True, minimum=1880, maximum=2100),
        Column("postcode", Type.STRING, "Postcode of the home.", nullable=True, personal=True),
        Column("home_store_id", Type.STRING, "The store nearest to home, or chosen.", nullable=True, personal=True),
        Column("first_name", Type.STRING, "First name, for greeting only.", nullable=True, personal=True),
        Column("language", Type.STRING, "Language code of messages.", nullable=True, personal=True),
        Column("person_id", Type.STRING, "The same for every id of one person; empty for who has one id. What one of them refused holds for all.", nullable=True, personal=True, added=True),
    ),
)

DECLARED_FACTS = Table(
    "declared_facts", "What members have said of themselves; an open list of facts.", ("member_id", "fact", "declared_at"),
    (
        _member(),
        Column("fact", Type.STRING, "Name of the fact: gender, children, household_size, wedding_date, interest, …"),
        Column("value", Type.STRING, "What the member said.", personal=True),
        Column("declared_at", Type.TIME, "When it was said."),
        Column("source", Type.STRING, "Where it was said: web, app, store, …", nullable=True),
    ),
    optional=True, known_from="declared_at",
)

CONSENTS = Table(
    "consents", "Consent given and withdrawn, one row an event.", ("member_id", "purpose", "channel", "recorded_at"),
    (
        _member(),
        Column("purpose", Type.STRING, "What the consent is for.", allowed=("marketing", "profiling")),
        Column("channel", Type.STRING, "The channel it covers, or all.", allowed=(*CHANNELS, "all")),
        Column("granted", Type.BOOLEAN, "Given (true) or withdrawn (false).", personal=True),
        Column("recorded_at", Type.TIME, "When it was recorded."),
        Column("source", Type.STRING, "Where it was recorded.", nullable=True),
    ),
    optional=True, known_from="recorded_at", heeded=True,
)

PREFERENCES = Table(
    "preferences", "Channels and frequency that members have chosen.", ("member_id", "channel", "recorded_at"),
    (
        _member(),
        Column("channel", Type.STRING, "The channel it is about, or all.", allowed=(*CHANNELS, "all")),
        Column("wanted", Type.BOOLEAN, "Is this channel wanted.", personal=True),
        Column("max_per_week", Type.INTEGER, "Most messages a week on this channel; 0 means none.", "messages a week", nullable=True, personal=True, minimum=0),
        Column("recorded_at", Type.TIME, "When it was recorded."),
        Column("source", Type.STRING, "Where it was recorded.", nullable=True),
    ),
    optional=True, known_from="recorded_at", heeded=True,
)

PRODUCTS = Table(
    "products", "The assortment.", ("product_id",),
    (
        Column("product_id", Type.STRING, "The product's id."),
        Column("department", Type.STRING, "Widest group."),
        Column("category", Type.STRING, "Group within the department."),
        Column("subcategory", Type.STRING, "Group within the category.", nullable=True),
        Column("brand", Type.STRING, "Brand or maker.", nullable=True),
        Column("list_price", Type.MONEY, "Price without discount, VAT included.", "club currency", nullable=True, minimum=0),
        Column("own_brand", Type.BOOLEAN, "Is it the shop's own brand.", nullable=True, added=True),
    ),
)

STORES = Table(
    "stores", "The shops.", ("store_id",),
    (
        Column("store_id", Type.STRING, "The store's id."),
        Column("postcode", Type.STRING, "Postcode.", nullable=True),
        Column("latitude", Type.NUMBER, "Latitude.", "degrees", nullable=True, minimum=-90, maximum=90),
        Column("longitude", Type.NUMBER, "Longitude.", "degrees", nullable=True, minimum=-180, maximum=180),
    ),
    optional=True,
)

TRANSACTIONS = Table(
    "transactions", "One row a line of a receipt; a return has a negative quantity.", ("transaction_id", "line_no"),
    (
        Column("transaction_id", Type.STRING, "The receipt."),
        Column("line_no", Type.INTEGER, "Line on the receipt."),
        _member(),
        Column("store_id", Type.STRING, "Where it was bought.", nullable=True),
        Column("sales_channel", Type.STRING, "How it was bought.", allowed=SALES_CHANNELS),
        _product(),
        Column("quantity", Type.NUMBER, "How many, or how much; negative for a return.", "units"),
        Column("amount", Type.MONEY, "Paid for the whole line, VAT included.", "club currency"),
        Column("discount", Type.MONEY, "Discount given on the whole line.", "club currency", minimum=0),
        Column("coupon_discount", Type.MONEY, "The part of the discount that a coupon or personal offer gave.", "club currency", nullable=True, minimum=0, added=True),
        Column("occurred_at", Type.TIME, "When it was bought."),
    ),
    known_from="occurred_at",
)

CAMPAIGNS = Table(
    "campaigns", "What marketing plans to send, and when.", ("campaign_id",),
    (
        Column("campaign_id", Type.STRING, "The campaign's id."),
        Column("name", Type.STRING, "Its name."),
        Column("kind", Type.STRING, "Its kind, in the club's own words.", nullable=True),
        Column("message_class", Type.STRING, "Marketing, service or content.", allowed=MESSAGE_CLASSES),
        Column("starts_on", Type.DATE, "First day it may be sent and answered."),
        Column("ends_on", Type.DATE, "Last day it may be answered."),
        Column("channels", Type.STRINGS, "Channels it may use.", allowed=CHANNELS),
    ),
    known_from="starts_on",
)

OFFERS = Table(
    "offers", "What a campaign offers.", ("offer_id",),
    (
        Column("offer_id", Type.STRING, "The offer's id."),
        _campaign(),
        Column("title", Type.STRING, "What a member reads."),
        Column("kind", Type.STRING, "Sort of offer.", allowed=OFFER_KINDS),
        Column("discount_share", Type.NUMBER, "Discount as a share of the price.", "share 0..1", nullable=True, minimum=0, maximum=1),
        Column("price_tier", Type.INTEGER, "1 cheapest to 5 dearest of its category.", "tier 1..5", nullable=True, minimum=1, maximum=5),
        Column("margin", Type.MONEY, "Money earned per response.", "club currency", nullable=True),
        Column("audience_rule", Type.JSON, 'Declared facts it is meant for with the values that fit, e.g. {"gender": ["female"]}; "any" fits all.', nullable=True),
        Column("redeemable_in", Type.STRINGS, "Sales channels it can be used in.", allowed=SALES_CHANNELS),
    ),
    parent=("campaigns", "campaign_id"),
)

OFFER_PRODUCTS = Table(
    "offer_products", "The products an offer is for.", ("offer_id", "product_id"),
    (_offer(), _product()),
    parent=("offers", "offer_id"),
)

AUDIENCES = Table(
    "audiences", "Whom a campaign is planned for; absent means every member.", ("campaign_id", "member_id"),
    (_campaign(), _member()),
    optional=True, parent=("campaigns", "campaign_id"),
)

MAILINGS = Table(
    "mailings", "Messages that were sent.", ("mailing_id",),
    (
        Column("mailing_id", Type.STRING, "The message's id."),
        _member(),
        _campaign(),
        _offer(nullable=True),
        Column("channel", Type.STRING, "How it was sent.", allowed=CHANNELS),
        Column("sent_at", Type.TIME, "When it was sent."),
        Column("propensity", Type.NUMBER, "Probability with which it was sent, if it was randomised.", "share 0..1", nullable=True, minimum=0, maximum=1),
    ),
    known_from="sent_at",
)

RESPONSES = Table(
    "responses", "What members did with a message.", ("response_id",),
    (
        Column("response_id", Type.STRING, "The response's id."),
        _member(),
        _campaign(),
        _offer(nullable=True),
        Column("kind", Type.STRING, "What was done.", allowed=RESPONSE_KINDS),
        Column("occurred_at", Type.TIME, "When."),
    ),
    known_from="occurred_at",
)

FEEDBACK = Table(
    "feedback", "What members said of an offer, a product or a group of products.", ("feedback_id",),
    (
        Column("feedback_id", Type.STRING, "The feedback's id."),
        _member(),
        Column("scope", Type.STRING, "What it is about.", allowed=FEEDBACK_SCOPES),
        Column("scope_id", Type.STRING, "Id or name of what it is about."),
        Column("verdict", Type.STRING, "What was said.", allowed=("not_for_me", "more_like_this"), personal=True),
        Column("stage", Type.STRING, "Before, during or after buying.", nullable=True, allowed=("before", "during", "after")),
        Column("source", Type.STRING, "Where it was said.", nullable=True, allowed=("email", "web", "app", "store")),
        Column("recorded_at", Type.TIME, "When."),
    ),
    optional=True, known_from="recorded_at",
)

CASES = Table(
    "cases", "Complaints and returns being handled.", ("case_id",),
    (
        Column("case_id", Type.STRING, "The case's id."),
        _member(),
        Column("opened_at", Type.TIME, "When it was opened."),
        Column("closed_at", Type.TIME, "When it was closed; missing while open.", nullable=True),
    ),
    optional=True, known_from="opened_at",
)

# Parents before children: checks and visibility walk the tuple once.
SOURCE_TABLES: tuple[Table, ...] = (
    MEMBERS, STORES, PRODUCTS, CAMPAIGNS, OFFERS, OFFER_PRODUCTS, AUDIENCES, DECLARED_FACTS, CONSENTS, PREFERENCES,
    TRANSACTIONS, MAILINGS, RESPONSES, FEEDBACK, CASES,
)
