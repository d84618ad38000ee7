"""Pure: same input, same output. No clock, file, socket, log or random here.

Where things are, from the ground up. What stands in one line imports what stands there or further up, nothing further
down (``tests/test_architecture.py``).

- What everyone uses: checks, ed25519, escape, identity, lexicon, mirrors, moments, onion, phrases, reach,
  rule_tables, scripts, short_keys, tables, toml_lines, watchlist, words.
- The custody log: absence, custody, merkle, note.
- Bytes as they came: charset, coding, ending, framing, http.
- A page, taken apart: blocks, feeds, inert, keyed, line_lists, nodes, outline, parse, standing.
- Entries on one page: beside, candidates, fields, groups, joining, json_groups, links, ranking, rules, selectors,
  shapes, singles, taking.
- What several pages teach: choosing, doubt, induce, learned, lessons.
- What a page and a visit are: frame, paginate, probing, reading, seen, snapshot, verdict.
- What follows from a visit: appear, baseline, case, clock, compare, decide, episodes, flips, losses, match, missing,
  noise, notes, reasons, remember, rolling, signs, structural, tell, ticks.
- The short way, for what was seen before: again, foreseen, moving, resighted.
- When to look: adaptive, cadence, pausing, status.
- How two captures differ: align, comparison, diff_html, diff_text, difference.
- Evidence for others: brought, bundle, bundle_checks, bundle_reading, bundle_reread, material, neighbours,
  onion_descriptor, redact, report, stix, timeline, wacz, warc, warc_reading.
- Telling people and programs: atom, batches, contract, message, searching, sharing, spark.
- Several vantages: agree, agreement, concluding, fleet, fleet_bundle, fleet_credentials, shipping, voices.
- What operators write: addresses, fleet_tables, proxy_tables, site_tables, targets, tor_trouble, torrc.
"""
