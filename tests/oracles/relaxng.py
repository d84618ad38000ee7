"""``python relaxng.py SCHEMA FILE``: says what of a document is not as a RELAX NG schema wants it; for the oracles."""

from __future__ import annotations

import sys

from lxml import etree

schema = etree.RelaxNG(etree.parse(sys.argv[1]))
document = etree.parse(sys.argv[2], etree.XMLParser(resolve_entities=False, no_network=True))
schema.validate(document)
for fault in schema.error_log:
    print(f"{fault.line}: {fault.message}")
sys.exit(bool(len(schema.error_log)))
