#!/usr/bin/env python3
"""parse_reports.py JSON CSV TRACE SVG: what Python's parsers find in the reports of zeus-amd-run, as JSON: the name of GPU 0 in
the first and in the last one, the rows of the table and the events of the trace."""
import csv
import json
import sys
import xml.etree.ElementTree

report, table, trace, picture = sys.argv[1:]
with open(report, encoding="utf-8") as f:
    name = json.load(f)["gpus"][0]["name"]
with open(table, encoding="utf-8", newline="") as f:
    rows = list(csv.DictReader(f, strict=True))
    assert all(None not in row and None not in row.values() for row in rows), "a row is longer or shorter than the head"
with open(trace, encoding="utf-8") as f:
    events = json.load(f)["traceEvents"]
texts = [e.text or "" for e in xml.etree.ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")]
# In the table of the picture the name follows the number.
drawn = texts[texts.index("0", texts.index("name")) + 1]
print(json.dumps({"json": name, "svg": drawn, "rows": len(rows), "events": len(events)}))
