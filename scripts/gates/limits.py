"""Holds ctest's list of suites (standard input) against the table of limits (argument)."""
import json
import sys

table = {}
for line in open(sys.argv[1], encoding="utf-8"):
    if line.strip() and not line.startswith("#"):
        suite, seconds = line.split()
        table[suite] = float(seconds)

found = {}
for test in json.load(sys.stdin)["tests"]:
    found[test["name"]] = {p["name"]: p["value"] for p in test.get("properties", [])}.get("TIMEOUT")

problems = [f"{suite} has a limit but does not exist" for suite in sorted(set(table) - set(found))]
problems += [f"{suite}: ctest has the limit {found[suite]}, the table {table.get(suite)}"
             for suite in sorted(found) if found[suite] != table.get(suite)]
if problems:
    sys.exit("tests/limits.txt: " + "; ".join(problems))
