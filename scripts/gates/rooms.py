"""Holds every room's includes and undefined symbols against the table.

usage: rooms.py TABLE BUILD DEPS     (from the top of the tree; BUILD holds the compiled objects)
"""
import fnmatch
import pathlib
import re
import subprocess
import sys

table_file, build, deps = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
problems = []


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Room:
    def __init__(self, rooms, groups):
        self.rooms, self.groups = rooms, groups


def read_table():
    headers, symbols, rooms, public, alone = {}, {}, {}, {}, {}
    for number, line in enumerate(open(table_file, encoding="utf-8"), 1):
        words = line.split("#")[0].split()
        match words:
            case []:
                pass
            case ["group", name, "headers", *rest]:
                headers.setdefault(name, []).extend(rest)
            case ["group", name, "symbols", *rest]:
                symbols.setdefault(name, []).extend(rest)
            case ["room", name, "rooms", *rest] if "groups" in rest:
                cut = rest.index("groups")
                rooms[name] = Room(rest[:cut], rest[cut + 1:])
            case ["file", path, "groups", *rest]:
                alone[path] = rest
            case ["header", name, room]:
                public[name] = room
            case _:
                sys.exit(f"{table_file}:{number}: not understood")
    return headers, symbols, rooms, public, alone


def undefined_and_defined(objects):
    undefined, defined = set(), set()
    for line in run("nm", "--extern-only", *map(str, objects)).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] in "Uw":
            undefined.add(words[1])
        elif len(words) == 3:
            defined.add(words[2])
    return undefined - defined, defined


def c_library_symbols():
    path = run("gcc", "-print-file-name=libc.so.6").strip()
    return {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--defined-only", path).splitlines()}


def objects_of(name):
    for target in (f"bcemr_room_{name}_objects", f"bcemr_program_{name}"):
        found = sorted((build / "CMakeFiles" / f"{target}.dir").rglob("*.o"))
        # Only what a source of today made: a removed file's object may still lie there.
        found = [o for o in found if pathlib.Path(str(o).split(".dir/", 1)[1][:-2]).exists()]
        if found:
            return found
    return []


headers, symbols, rooms, public, alone = read_table()
libc = c_library_symbols()
libraries = {g for g, names in symbols.items() if any(n.endswith("*") for n in names)}
folders = {p.name for p in pathlib.Path("src").iterdir() if p.is_dir() and any(p.rglob("*.c"))}
problems += [f"src/{name} is in no line of the table" for name in sorted(folders - set(rooms))]
listed = {h.name for h in pathlib.Path("include/bcemr").iterdir()}
problems += [f"include/bcemr/{h} is in no line of the table" for h in sorted(listed - set(public))]
problems += [f"the table names {p}, which is gone" for p in sorted(alone) if not pathlib.Path(p).is_file()]
problems += [f"the table names include/bcemr/{h}, which is gone" for h in sorted(set(public) - listed)]


def check_paths(name, room):
    allowed = {name, *room.rooms}
    flags = ["-std=c11", "-Isrc", "-Iinclude", "-isystem", str(deps / "blst" / "include")]
    if "libc" in room.groups:
        flags.append("-D_POSIX_C_SOURCE=200809L")
    for source in sorted(pathlib.Path("src", name).rglob("*.c")):
        made = run("gcc", "-MM", *flags, str(source)).replace("\\\n", " ").split(":", 1)[1].split()
        for path in map(pathlib.PurePath, made):
            if path.parts[0] == "src":
                owner = path.parts[1]
            elif path.parts[:2] == ("include", "bcemr"):
                owner = public.get(path.name, name)
            else:
                problems.append(f"{source} includes {path}")
                continue
            if owner not in allowed:
                problems.append(f"{source} includes {path}, of the room {owner}")


def check_system_headers(name, room):
    for path in sorted(pathlib.Path("src", name).rglob("*")):
        if not path.is_file() or path.suffix not in (".c", ".h", ".def"):
            continue
        groups = room.groups + alone.get(path.as_posix(), [])
        patterns = [p for g in groups for p in headers.get(g, [])]
        # A pattern for every system header is none for the headers of a library.
        others = {h for g in headers if g in libraries and g not in groups for h in headers[g]}
        for header in re.findall(r"^\s*#\s*include\s*<([^>]+)>", path.read_text(encoding="utf-8"), re.M):
            if header in others or not header.startswith("bcemr/") and \
                    not any(fnmatch.fnmatchcase(header, p) for p in patterns):
                problems.append(f"{path} includes <{header}>")


def check_symbols(name, room, defined_by):
    objects = objects_of(name)
    own = undefined_and_defined(objects)[1]
    for path, more in alone.items():
        mine = [o for o in objects if o.as_posix().endswith(path + ".o")]
        objects = [o for o in objects if o not in mine]
        if mine:
            check_undefined(name, room, room.groups + more, undefined_and_defined(mine)[0] - own, defined_by)
    check_undefined(name, room, room.groups, undefined_and_defined(objects)[0] - own, defined_by)


def check_undefined(name, room, groups, undefined, defined_by):
    patterns = [p for g in groups for p in symbols.get(g, [])]
    for symbol in sorted(undefined):
        owner = next((r for r, names in defined_by.items() if symbol in names), None)
        if owner is not None:
            if owner not in room.rooms:
                problems.append(f"room {name} calls {symbol}, of the room {owner}")
        elif not any(fnmatch.fnmatchcase(symbol, p) for p in patterns) and \
                not ("libc" in groups and symbol in libc):
            problems.append(f"room {name} calls {symbol}, which no group of its line holds")


defined_by = {}
for name in sorted(folders & set(rooms)):
    if not objects_of(name):
        problems.append(f"room {name} has no objects in {build}")
        continue
    defined_by[name] = undefined_and_defined(objects_of(name))[1]
for name in sorted(folders & set(rooms)):
    check_paths(name, rooms[name])
    check_system_headers(name, rooms[name])
    if name in defined_by:
        check_symbols(name, rooms[name], defined_by)

if problems:
    sys.exit("\n".join(problems))
