"""Features of purchases written down as one would for DuckDB alone: the same columns as `features_member.purchase_features` and
`features_category.category_features`, for one night, over the lake's Parquet files. What they are measured beside is in peers.py.
"""

from collections.abc import Mapping

LINES = """
  line AS (
    SELECT t.member_id, t.transaction_id, t.occurred_at, t.product_id, p.category, p.own_brand::DOUBLE AS own_brand, t.quantity,
           t.amount::DOUBLE AS amount, t.discount::DOUBLE AS discount, t.coupon_discount::DOUBLE AS coupon
    FROM '{transactions}' t JOIN '{products}' p USING (product_id)
    WHERE t.quantity > 0 AND t.occurred_at < TIMESTAMP '{as_of}' AND t.member_id IN (SELECT member_id FROM '{asks}'))"""
AGO = "(epoch(TIMESTAMP '{as_of}') - epoch(min(occurred_at))) / 86400.0"

MEMBERS = (
    "WITH"
    + LINES
    + """,
  basket AS (
    SELECT member_id, """
    + AGO
    + """ AS ago, sum(amount) AS amount, sum(discount) AS discount, sum(coupon) AS coupon,
           sum(amount) FILTER (own_brand > 0) AS own, sum(amount) FILTER (own_brand IS NOT NULL) AS branded,
           count(*) FILTER (discount > 0) AS discounted, count(*) AS lines
    FROM line GROUP BY member_id, transaction_id),
  s AS (
    SELECT member_id, min(ago) AS last, max(ago) AS tenure, count(*) AS n, greatest(max(ago), 28.0) AS known,
           count(*) FILTER (ago <= 14) AS n14, count(*) FILTER (ago <= 28) AS n28, count(*) FILTER (ago <= 91) AS n91,
           sum(exp(-ago * ln(2) / 45)) AS decayed,
           coalesce(sum(amount) FILTER (ago <= 28), 0) AS s28, coalesce(sum(amount) FILTER (ago <= 91), 0) AS s91, sum(amount) AS spend,
           sum(discount) FILTER (ago <= 91) AS d91, sum(discount) AS discount, sum(own) AS own, sum(branded) AS branded,
           sum(lines) AS lines, sum(discounted) AS discounted, CASE WHEN count(coupon) > 0 THEN 1.0 END AS told,
           count(*) FILTER (coupon > 0 AND ago <= 28) AS c28, count(*) FILTER (coupon > 0 AND ago <= 91) AS c91, count(*) FILTER (coupon > 0) AS c,
           coalesce(sum(exp(-ago * ln(2) / 45)) FILTER (coupon > 0), 0) AS cdecayed, coalesce(sum(coupon), 0) AS cmoney,
           min(ago) FILTER (coupon > 0) AS clast
    FROM basket GROUP BY member_id),
  first AS (SELECT member_id, category, """
    + AGO
    + """ AS ago FROM line GROUP BY member_id, product_id, category),
  breadth AS (
    SELECT member_id, count(DISTINCT category) AS categories_known, count(*) AS products_known,
           count(*) FILTER (ago <= 28) / count(*) AS new_products_28
    FROM first GROUP BY member_id)
SELECT member_id, last AS days_since_basket, tenure AS tenure_days, (tenure - last) / nullif(n - 1, 0) AS basket_gap,
       last / greatest((tenure - last) / nullif(n - 1, 0), 1.0) AS basket_due,
       n14 * 30.0 / least(known, 14) AS baskets_14, n28 * 30.0 / least(known, 28) AS baskets_28, n91 * 30.0 / least(known, 91) AS baskets_91,
       n * 30.0 / known AS baskets_all, decayed AS baskets_decayed,
       ln((n28 * 30.0 / least(known, 28) + 1) / (n91 * 30.0 / least(known, 91) + 1)) / ln(2) AS basket_trend,
       s28 * 30.0 / least(known, 28) AS spend_28, s91 * 30.0 / least(known, 91) AS spend_91, spend * 30.0 / known AS spend_all,
       spend / n AS spend_per_basket, lines / n AS lines_per_basket, coalesce(d91 / nullif(s91 + d91, 0), 0) AS discount_of_spend_91,
       discount / nullif(spend + discount, 0) AS discount_of_spend, discounted / nullif(lines, 0) AS discounted_lines_share,
       own / nullif(branded, 0) AS own_brand_share, c28 * 30.0 / least(known, 28) * told AS coupon_baskets_28,
       c91 * 30.0 / least(known, 91) * told AS coupon_baskets_91, c * 30.0 / known * told AS coupon_baskets_all,
       cdecayed * told AS coupon_baskets_decayed, told * (c + 0.5) / (n + 10.0) AS coupon_basket_share,
       cmoney * 30.0 / known * told AS coupon_money_all, clast AS days_since_coupon, categories_known, products_known, new_products_28
FROM s JOIN breadth USING (member_id)"""
)

CATEGORIES = (
    "WITH"
    + LINES
    + """,
  visit AS (
    SELECT member_id, category, """
    + AGO
    + """ AS ago, sum(amount) AS amount, sum(discount) AS discount, sum(quantity) AS quantity, sum(coupon) AS coupon
    FROM line GROUP BY member_id, category, transaction_id),
  h AS (
    SELECT member_id, category, count(*) AS n, count(*) FILTER (ago <= 91) AS n91, sum(exp(-ago * ln(2) / 45)) AS decayed,
           count(DISTINCT floor(ago / 30)) AS months, max(ago) - min(ago) AS span, min(ago) AS last, sum(amount) AS spend,
           sum(amount) + sum(discount) AS value, sum(quantity) AS quantity, coalesce(sum(exp(-ago * ln(2) / 45)) FILTER (coupon > 0), 0) AS coupons
    FROM visit GROUP BY member_id, category),
  whole AS (SELECT member_id, sum(spend) AS total FROM h GROUP BY member_id),
  baskets AS (SELECT member_id, count(DISTINCT transaction_id) AS baskets FROM line GROUP BY member_id),
  price AS (
    SELECT p.category, sum((t.amount + t.discount)::DOUBLE) / sum(t.quantity) AS unit_price
    FROM '{transactions}' t JOIN '{products}' p USING (product_id)
    WHERE t.quantity > 0 AND t.occurred_at < TIMESTAMP '{as_of}' GROUP BY p.category)
SELECT member_id, category, n AS baskets_in_category, n91 AS baskets_in_category_91, decayed AS baskets_in_category_decayed, months AS months_with_category,
       span AS span_with_category, n / baskets AS basket_share_with_category, last AS days_since_category, span / nullif(n - 1, 0) AS category_interval,
       CASE WHEN n > 1 THEN last / greatest(span / (n - 1), 1.0) END AS category_intervals_passed, spend / nullif(total, 0) AS spend_share_in_category,
       ln(nullif(value / nullif(quantity, 0), 0) / nullif(unit_price, 0)) AS category_price_position, coupons AS coupons_in_category_decayed
FROM h JOIN whole USING (member_id) JOIN baskets USING (member_id) LEFT JOIN price USING (category)"""
)


def statements(files: Mapping[str, str], as_of: str) -> dict[str, str]:
    """The two queries by the table whose columns they make. `files`: the lake's transactions, products and asks, as globs."""
    return {
        "member_features": MEMBERS.format(**files, as_of=as_of),
        "member_category_features": CATEGORIES.format(**files, as_of=as_of),
    }
