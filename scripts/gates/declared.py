"""Prints the functions and objects that the public headers declare (not the static inline ones), sorted.

usage: declared.py FOLDER
The compiler reads the headers; this reads what it made of them, so macros that declare count too.
"""
import pathlib
import re
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
includes = "".join(f"#include <{folder.name}/{h.name}>\n" for h in sorted(folder.glob("*.h"))
                   if not h.name.startswith("types_rows_"))
text = subprocess.run(["gcc", "-std=c11", "-E", "-P", f"-I{folder.parent}", "-"], input=includes,
                      capture_output=True, text=True, check=True).stdout

# Drop bodies and braces' contents, so that only what stands at file level remains.
flat, depth = [], 0
for char in text:
    if char == "{":
        depth += 1
    elif char == "}":
        depth -= 1
        if depth == 0:
            flat.append(";")
    elif depth == 0:
        flat.append(char)
names = set()
for statement in "".join(flat).split(";"):
    statement = " ".join(statement.split())
    while "__attribute__" in statement:
        stripped = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", "", statement)
        if stripped == statement:
            break
        statement = stripped
    if re.search(r"\b(typedef|static|_Static_assert)\b", statement):
        continue
    found = re.match(r"^[^(]*?\b(bcemr_\w+)\s*\(", statement) or \
        re.match(r"^extern\b.*?\b(bcemr_\w+)\s*(\[.*\])?$", statement)
    if found:
        names.add(found.group(1))
print("\n".join(sorted(names)))
