"""How the pages that Hemsil writes itself look."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2a37; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem; border-top: 1px solid #e5e7eb; padding-top: 1.2rem }
table { border-collapse: collapse; font-size: 13px; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e5e7eb }
th { color: #4b5563; font-weight: 600; vertical-align: bottom } th:first-child, td:first-child { text-align: left; white-space: nowrap }
.wide { overflow-x: auto } figure { margin: 1rem 0 } img { max-width: 100% } figcaption, .quiet { color: #6b7280 }
"""
