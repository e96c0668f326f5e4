#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/api/ from the stubs in lua/types/.

    docs/api/generate.py            write them
    docs/api/generate.py --check    exit with 1 if they are not what would be written

A stub is Lua with LuaCATS annotations, of which this reads what the stubs need: a block of lines
that begin with "---" and the line of code behind it.

    ---@meta           the block of the page: its title, what stands above all
    ---@class NAME     a section with its fields; the code names the table of its functions
    ---@alias NAME T   a section
    ---@type T         a global
    function ...       a function: text, @async (it waits), @param, @return, @overload
    a.b = a.c          another name of a function

The text before a @field is that field's. "As NAME." makes it another spelling of NAME.
"""

import pathlib
import re
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
STUBS = ROOT / "lua" / "types"
PAGES = ROOT / "docs" / "api"

# Page, stub, part written by hand that follows; in the order of the index.
TABLE = [
    ("k6", "k6.lua", None),
    ("tcp", "k6/x/tcp.lua", "parts/tcp-traps.md"),
    ("http", "ringload/http.lua", None),
    ("redis", "ringload/redis.lua", None),
    ("metrics", "k6/metrics.lua", None),
    ("execution", "k6/execution.lua", None),
    ("data", "k6/data.lua", None),
    ("json", "json.lua", None),
    ("console", "console.lua", None),
    ("globals", "globals.lua", None),
    ("options", "options.lua", None),
]


@dataclass
class Field:
    name: str
    type: str
    optional: bool
    text: str
    spellings: list = field(default_factory=list)


@dataclass
class Function:
    name: str  # "k6.sleep", "socket:on", "open"
    arguments: list
    text: str
    waits: bool
    params: list  # of Field
    returns: list  # of (type, name, text)
    overloads: list  # of lists of Field
    aliases: list = field(default_factory=list)

    @property
    def member(self):
        return re.split(r"[.:]", self.name)[-1]


@dataclass
class Class:
    name: str
    text: str
    fields: list
    variable: str = None
    functions: list = field(default_factory=list)

    @property
    def title(self):
        return self.name.split(".")[-1]


@dataclass
class Global:
    name: str
    type: str
    text: str


@dataclass
class Stub:
    text: str = ""
    items: list = field(default_factory=list)  # Class, Function, Global, (alias, type, text)

    def classes(self):
        return {item.name: item for item in self.items if isinstance(item, Class)}

    def functions(self):
        found = [item for item in self.items if isinstance(item, Function)]
        for item in self.items:
            if isinstance(item, Class):
                found += item.functions
        return found


# --- Reading ---


def split_type(text):
    """A type and what is behind it: the first blank outside of brackets and quotes ends it."""
    depth, quoted = 0, False
    for i, c in enumerate(text):
        if c == '"':
            quoted = not quoted
        elif not quoted and c in "([{<":
            depth += 1
        elif not quoted and c in ")]}>":
            depth -= 1
        elif c == " " and depth == 0 and not quoted and not text[:i].endswith((":", "|", ",")):
            return text[:i], text[i + 1:].strip()
    return text, ""


def split_arguments(text):
    """"a, b?: { c: d, e: f }" -> Fields a and b."""
    found, depth, part = [], 0, ""
    for c in text + ",":
        depth += (c in "([{<") - (c in ")]}>")
        if c == "," and depth == 0:
            name, _, kind = part.strip().partition(":")
            if name:
                found.append(Field(name.rstrip("?"), kind.strip(), name.endswith("?"), ""))
            part = ""
        else:
            part += c
    return found


def overload_arguments(text):
    depth = 0
    begin = text.index("(")
    for i in range(begin, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return split_arguments(text[begin + 1:i])
    raise SystemExit(f"@overload {text}: no end")


def named(text, where):
    """"name? type text" of a @param or @field."""
    match = re.match(r"(\[[^\]]*\]|[\w.]+)(\??)\s+(.*)", text)
    if match is None:
        raise SystemExit(f"{where}: {text}")
    kind, rest = split_type(match[3])
    return Field(match[1], kind, match[2] == "?", rest)


class Block:
    """The annotations before a line of code."""

    def __init__(self, lines, where):
        self.tags = {}
        self.fields, self.order = [], []
        text = []
        for line in lines:
            match = re.match(r"@(\w+)\s*(.*)", line)
            if match is None:
                text.append(line)
                continue
            tag, rest = match[1], match[2]
            if tag == "field":
                item = named(rest, where)
                item.text = "\n".join(text).strip() or item.text
                self.fields.append(item)
                text = []
            else:
                if tag in ("class", "meta"):
                    self.before = "\n".join(text).strip()
                    text = []
                self.tags.setdefault(tag, []).append(rest)
        self.text = "\n".join(text).strip()


def read_function(match, block, where):
    name, arguments = match[1], [a.name for a in split_arguments(match[2])]
    params = [named(text, where) for text in block.tags.get("param", [])]
    if [p.name for p in params] != arguments:
        raise SystemExit(f"{where}: {name}: @param lines and arguments differ")
    returns = []
    for text in block.tags.get("return", []):
        kind, rest = split_type(text)
        label, _, rest = rest.partition(" ")
        returns.append((kind, label, rest))
    overloads = [overload_arguments(text) for text in block.tags.get("overload", [])]
    return Function(name, arguments, block.text, "async" in block.tags, params, returns, overloads)


def merge_spellings(fields):
    kept = {f.name: f for f in fields}
    for item in fields:
        match = re.fullmatch(r"As ([\w.]+)\.", item.text)
        if match and match[1] in kept:
            kept[match[1]].spellings.append(item.name)
            del kept[item.name]
    return list(kept.values())


def read_code(stub, line, block, where):
    function = re.match(r"function ([\w.:]+)\((.*)\) end", line)
    alias = re.match(r"([\w.]+)\.(\w+) = \1\.(\w+)$", line)
    variable = re.match(r"(?:local )?(\w+) = ", line)
    owners = {i.variable: i for i in stub.items if isinstance(i, Class) and i.variable}
    if "class" in block.tags:
        name = block.tags["class"][0]
        item = Class(name, block.before, merge_spellings(block.fields))
        item.variable = variable[1] if variable else None
        stub.items.append(item)
    elif "alias" in block.tags:
        name, _, kind = block.tags["alias"][0].partition(" ")
        stub.items.append((name, kind, block.text))
    elif function:
        item = read_function(function, block, where)
        owner = re.split(r"[.:]", item.name)[0] if re.search(r"[.:]", item.name) else None
        (owners[owner].functions if owner else stub.items).append(item)
    elif alias:
        for item in owners[alias[1]].functions:
            if item.member == alias[3]:
                item.aliases.append(alias[2])
    elif variable and "type" in block.tags:
        stub.items.append(Global(variable[1], block.tags["type"][0], block.text))


def read_stub(path):
    stub, lines = Stub(), []
    code = re.compile(r"^(function|local|return|\w[\w.]* = )")
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines() + [""], 1):
        where = f"{path.name}:{number}"
        if line.startswith("---"):
            lines.append(line[3:])
        elif line.startswith("--"):
            continue
        else:
            block = Block(lines, where)
            if "meta" in block.tags:
                stub.text = re.sub(r"^ (?=# )", "", block.text)
            elif lines or code.match(line):
                read_code(stub, line, block, where)
            lines = []
    return stub


def stub_of(page):
    for name, path, _ in TABLE:
        if name == page:
            return read_stub(STUBS / path)
    raise KeyError(page)


# --- Writing ---


def cell(text):
    return text.replace("\n", " ").replace("|", "\\|")


def links(stubs):
    """Class or alias -> where it is written down."""
    found = {}
    for page, stub in stubs.items():
        for item in stub.items:
            name = item.name if isinstance(item, Class) else item[0] if isinstance(item, tuple) else None
            if name:
                found[name] = (page, heading_of(name).lower())
    return found


def heading_of(name):
    return name.split(".")[-1]


class Page:
    def __init__(self, page, where):
        self.page, self.where, self.out = page, where, []

    def add(self, *lines):
        self.out += lines

    def type(self, text):
        """A type as a cell: names of ours are links behind it."""
        shown = f"`{cell(text)}`"
        seen = []
        for name in re.findall(r"[A-Za-z]\w*(?:\.\w+)+", text):
            if name in self.where and name not in seen:
                seen.append(name)
                page, anchor = self.where[name]
                target = f"#{anchor}" if page == self.page else f"{page}.md#{anchor}"
                if text == name:
                    return f"[{shown}]({target})"
                shown += f" [→]({target})"
        return shown

    def fields(self, fields):
        self.add("| Field | Type | |", "|---|---|---|")
        for item in fields:
            mark = "?" if item.optional else ""
            name = ", ".join(f"`{n}{mark}`" for n in [item.name] + item.spellings)
            text = re.sub(r"^As ([\w.]+)\.$", r"as `\1`", item.text)
            self.add(f"| {name} | {self.type(item.type)} | {cell(text)} |")
        self.add("")

    def function(self, item, level):
        self.add(f"{'#' * level} {item.name}", "", "```lua")
        forms = [item.params] + [[p for p in form if p.name != "self"] for form in item.overloads]
        calls = [f"{item.name}({', '.join(p.name for p in form)})" for form in forms]
        self.add(*dict.fromkeys(calls), "```", "")
        if item.aliases:
            self.add(f"Also `{'`, `'.join(item.aliases)}`.", "")
        text = re.sub(r"^(Raises|Waits)\b", r"**\1**", item.text, flags=re.MULTILINE)
        if item.waits:
            text = re.sub(r"(\A.*?)(\n\n|\Z)", r"\1 **Waits.**\2", text, count=1, flags=re.DOTALL)
        self.add(text, "")
        if item.params:
            self.add("| Parameter | Type | |", "|---|---|---|")
            for name in dict.fromkeys(p.name for form in forms for p in form):
                same = [p for form in forms for p in form if p.name == name]
                kinds = "; ".join(dict.fromkeys(self.type(p.type) for p in same))
                mark = "?" if same[0].optional else ""
                self.add(f"| `{name}{mark}` | {kinds} | {cell(same[0].text)} |")
            self.add("")
        if item.returns:
            self.add("| Returns | Type | |", "|---|---|---|")
            for kind, name, text in item.returns:
                self.add(f"| {'`' + name + '`' if name else ''} | {self.type(kind)} | {cell(text)} |")
            self.add("")

    def item(self, item, module):
        if isinstance(item, Function):
            self.function(item, 2)
        elif isinstance(item, Global):
            self.add(f"## {item.name}", "", f"{self.type(item.type)}", "", item.text, "")
        elif isinstance(item, tuple):
            self.add(f"## {heading_of(item[0])}", "", item[2], "", f"{self.type(item[1])}", "")
        elif item is module:
            if item.text:
                self.add(item.text, "")
            if item.fields:
                self.fields(item.fields)
            for function in item.functions:
                self.function(function, 2)
        else:
            self.add(f"## {heading_of(item.name)}", "")
            if item.text:
                self.add(item.text, "")
            if item.fields:
                self.fields(item.fields)
            for function in item.functions:
                self.function(function, 3)


def module_class(stub):
    """The class that the page is about: the first, where it has a table."""
    for item in stub.items:
        if isinstance(item, Class):
            return item
    return None


def write_page(page, path, part, stub, where):
    out = Page(page, where)
    out.add(f"<!-- Made by docs/api/generate.py from lua/types/{path}. Change that, and run it. -->", "")
    out.add(stub.text, "")
    module = module_class(stub)
    for item in stub.items:
        out.item(item, module)
    if part:
        out.add((PAGES / part).read_text(encoding="utf-8").rstrip(), "")
    text = "\n".join(out.out)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def write_index(stubs):
    out = ["<!-- Made by docs/api/generate.py. -->", "", "# The Lua API", "",
           "What scripts can use, made from the stubs in [lua/types/](../../lua/types/), which are for",
           "editors with lua-language-server: add the folder to `Lua.workspace.library`. A name with `?`",
           "may be left out; what stands behind a semicolon in a description is its default.", "",
           "| Page | What is there |", "|---|---|"]
    for page, _, _ in TABLE:
        names = []
        for item in stubs[page].items:
            if isinstance(item, Class):
                names += [f.name for f in item.functions]
            elif isinstance(item, (Function, Global)):
                names.append(item.name)
        what = ", ".join(f"`{n}`" for n in names) or "what a test does"
        out.append(f"| [{page}]({page}.md) | {what} |")
    return "\n".join(out) + "\n"


def make():
    """File -> what belongs in it."""
    stubs = {page: read_stub(STUBS / path) for page, path, _ in TABLE}
    where = links(stubs)
    files = {PAGES / f"{page}.md": write_page(page, path, part, stubs[page], where)
             for page, path, part in TABLE}
    files[PAGES / "README.md"] = write_index(stubs)
    return files


def stale(files):
    found = []
    for path, text in files.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            found.append(f"{path.relative_to(ROOT)}: not what docs/api/generate.py makes: run it")
    for path in sorted(PAGES.glob("*.md")):
        if path not in files:
            found.append(f"{path.relative_to(ROOT)}: docs/api/generate.py knows nothing of it")
    return found


def main():
    files = make()
    if sys.argv[1:] == ["--check"]:
        found = stale(files)
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    if sys.argv[1:]:
        print(__doc__)
        return 2
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
