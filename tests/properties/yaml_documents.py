"""Generated YAML texts: every scalar style, odd scalars, flow and block, anchors, merge keys, tags, odd layout."""

from __future__ import annotations

from random import Random

_WORDS = (
    "y Y yes Yes YES yEs n N no No NO on On ON off Off OFF oN true True TRUE tRue false False FALSE null Null NULL nUll ~ "
    ".nan .NaN .NAN .Nan .inf .Inf .INF +.inf -.inf -.INF +.Inf .iNf "
    "0 00 -0 +0 1 -1 +1 12 012 -012 +012 08 09 018 0_8 0755 0o755 0O17 0o8 -0o17 0x1F 0X1f +0xF -0xf 0x 0xg 0x1_F 0b11 0B11 "
    "0b12 -0b11 +0b11 0b+11 0b-11 -0b+1 0b 0b_1 1_000 1__0 1_ _1 -_1 12e 1e3 1E3 1e+3 1e-3 1.e3 .5 -.5 +.5 5. 5.e1 .5e1 "
    ".e5 . .. ... 1.2.3 1.5 -1.5 +1.5 1.0 3.00 100.0 -0.0 0.0 1e400 -1e400 1e-400 1e21 1e20 1e19 1e18 9.5e18 .1_0 .1_ ._1 "
    ".5_5e1_0 1_0.5 1.5_5 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 "
    "18446744073709551615 18446744073709551616 +9223372036854775808 +18446744073709551615 9223372036854775807.0 "
    "1234567890123456789.0 0777777777777777777777 07777777777777777777777777 0xFFFFFFFFFFFFFFFF 0x1FFFFFFFFFFFFFFFF "
    "-0x8000000000000000 -0x8000000000000001 0b1111111111111111111111111111111111111111111111111111111111111111 "
    "0b11111111111111111111111111111111111111111111111111111111111111111 1:30 22:22 190:20:30 1:30.5 -1:30 0:0 "
    "2001-01-01 2001-1-1 2001-13-01 2001-12-14t21:59:43.10-05:00 2001-12-15T02:59:43.1Z 20010101 2001 2001-1 0001-01-01 "
    "= << < a A a-b a.b a/b a:b a,b a#b #a !a &a *a @a `a %a |a >a -a --a - ? : ?a :a 1Gi 100m 10s 0.5Gi 1e3x v1 v1.2 "
    "nginx:1.25 nan NaN inf Infinity -Infinity None nil 0,5 1,000 ٣ ½ é 日本 \u00a0 a\u00a0b \u200b 😀 "
    "1e1000000000000 1e-1000000000000 00000000000000000000000000000000000000000000000000000000000000000001 "
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001 "
    "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111.5"
)
SCALARS = tuple(_WORDS.split(" "))

KEYS = (
    "a",
    "b",
    "spec",
    "y",
    "no",
    "1",
    "01",
    "0x1",
    "1.5",
    "1e3",
    "1e6",
    "1e21",
    "0.00001",
    "16777217.0",
    "true",
    "2001-01-01",
    "~",
    "",
    ".inf",
    ".nan",
    "-0.0",
    "'y'",
    '"1"',
    "a b",
    "<<",
    "18446744073709551615",
    "3.4e39",
    "-3.4e39",
    "0.1",
    "123456.0",
    "1234567.0",
    "1e-4",
    "1e-5",
)
TAGS = (
    "!!str",
    "!!int",
    "!!float",
    "!!bool",
    "!!null",
    "!!binary",
    "!!timestamp",
    "!!map",
    "!!seq",
    "!!set",
    "!custom",
    "!",
)
TEXTS = (
    "x",
    "two words",
    "it's",
    'a "quote"',
    "back\\slash",
    "tab\there",
    "",
    " lead",
    "trail ",
    "# no",
    "a: b",
    "- a",
    "é\u2028x",
    "aGVsbG8=",
    "1",
    "yes",
    "~",
)


class Documents:
    """A source of texts; the same seed gives the same texts."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._anchors: list[str] = []

    def text(self) -> str:
        """One document. Most are valid."""
        self._anchors = []
        random = self._random
        start = random.choice(["", "", "", "---\n", "# comment\n", "%YAML 1.1\n---\n", "\ufeff", "\n\n"])
        body = self._block(0, random.randint(1, 4))
        if random.random() < 0.05:
            body = body.replace("\n", "\r\n")
        if random.random() < 0.08:
            body = self._broken(body)
        return start + body + random.choice(["", "\n", "...\n", "\n\n"])

    def _broken(self, body: str) -> str:
        random = self._random
        position = random.randrange(len(body) + 1)
        return (
            body[:position]
            + random.choice(["\t", " ", ":", "'", '"', "[", "}", "\n", ": ", "- ", "\x00", "&", "*"])
            + body[position:]
        )

    def _block(self, indent: int, depth: int) -> str:
        return self._mapping(indent, depth) if self._random.random() < 0.75 else self._sequence(indent, depth)

    def _mapping(self, indent: int, depth: int) -> str:
        random = self._random
        lines = []
        for _ in range(random.randint(1, 4)):
            blank = " " * indent
            key = random.choice(KEYS) if random.random() < 0.6 else f"k{random.randint(0, 50)}"
            if key == "<<":
                lines.append(f"{blank}<<: {self._merged()}\n")
                continue
            if random.random() < 0.03:
                lines.append(f"{blank}? {key}\n{blank}: {self._scalar(indent)}")
                continue
            colon = random.choice([": ", ": ", ":  "])
            if depth > 0 and random.random() < 0.4:
                anchor = self._anchor() if random.random() < 0.15 else ""
                deeper = indent + random.choice([1, 2, 4])
                nested = (
                    self._sequence(indent, depth - 1)
                    if random.random() < 0.3
                    else self._block(deeper, depth - 1)
                )
                lines.append(f"{blank}{key}:{anchor}{random.choice(['', '', ' # why'])}\n{nested}")
            else:
                lines.append(f"{blank}{key}{colon}{self._scalar(indent)}")
            if random.random() < 0.05:
                lines.append(random.choice(["\n", "# comment\n", f"{blank}  # comment\n", "   \n"]))
        return "".join(lines)

    def _sequence(self, indent: int, depth: int) -> str:
        random = self._random
        lines = []
        for _ in range(random.randint(1, 3)):
            blank = " " * indent
            if depth > 0 and random.random() < 0.4:
                nested = self._block(indent + 2, depth - 1)
                lines.append(f"{blank}- {nested[indent + 2 :]}")
            else:
                lines.append(f"{blank}- {self._scalar(indent)}")
        return "".join(lines)

    def _anchor(self) -> str:
        name = f"x{self._random.randint(0, 5)}"
        self._anchors.append(name)
        return f" &{name}"

    def _merged(self) -> str:
        random = self._random
        inline = f"{{{random.choice('abc')}: 1, m{random.randint(0, 3)}: {random.choice(SCALARS[:20])}}}"
        if self._anchors and random.random() < 0.6:
            alias = f"*{random.choice(self._anchors)}"
            return random.choice([alias, f"[{alias}, {inline}]", f"[{inline}, {alias}]"])
        return random.choice([inline, inline, f"[{inline}]", "text"])

    def _scalar(self, indent: int) -> str:
        """The rest of a line, with its line break."""
        random = self._random
        tag = f"{random.choice(TAGS)} " if random.random() < 0.08 else ""
        anchor = f"{self._anchor()[1:]} " if random.random() < 0.05 else ""
        kind = random.random()
        if kind < 0.45:
            return f"{anchor}{tag}{random.choice(SCALARS)}{random.choice(['', '', ' # c', ' '])}\n"
        if kind < 0.6:
            return f"{anchor}{tag}{self._quoted()}\n"
        if kind < 0.7:
            return f"{anchor}{tag}{self._literal(indent)}"
        if kind < 0.78 and self._anchors:
            return f"*{random.choice(self._anchors)}\n"
        if kind < 0.82:
            words = " ".join(random.choice(["a", "b c", "1", "x#y"]) for _ in range(2))
            return f"{words}\n{' ' * (indent + 2)}{words}\n\n{' ' * (indent + 1)}end\n"
        if kind < 0.9:
            return f"{anchor}{tag}{self._flow(2)}\n"
        return f"{anchor}{tag}{random.choice(TEXTS)}\n"

    def _quoted(self) -> str:
        random = self._random
        text = random.choice([*TEXTS, *SCALARS])
        if random.random() < 0.5:
            return "'" + text.replace("'", "''") + "'"
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
        return (
            '"'
            + escaped
            + random.choice(
                ["", "\\n", "\\x41", "\\u00e9", "\\U0001F600", "\\e", "\\_", "\\/", "\\N", "\\\n   folded"]
            )
            + '"'
        )

    def _literal(self, indent: int) -> str:
        random = self._random
        blank = " " * (indent + random.choice([2, 3]))
        lines = [
            blank + random.choice(["a", "b: c", "# no comment", "  deeper", "tab\tin", "trail  ", "", "é"])
            for _ in range(random.randint(1, 4))
        ]
        if lines[0].strip() != lines[0].lstrip(" ") or not lines[0].strip():
            lines[0] = blank + "first"
        if lines[0].startswith(blank + " "):
            lines[0] = blank + "first"
        return (
            random.choice(["|", "|-", "|+", ">", ">-", ">+"])
            + "\n"
            + "\n".join(lines)
            + random.choice(["\n", "\n\n"])
        )

    def _flow(self, depth: int) -> str:
        random = self._random
        if depth == 0 or random.random() < 0.4:
            return random.choice([random.choice(SCALARS), "'q'", '"d"', "1", "yes"])
        if random.random() < 0.5:
            return (
                "["
                + ", ".join(self._flow(depth - 1) for _ in range(random.randint(0, 3)))
                + random.choice(["", ",", " "])
                + "]"
            )
        pairs = [
            f"{random.choice(['a', 'b', 'y', '1', chr(39) + 'k' + chr(39)])}: {self._flow(depth - 1)}"
            for _ in range(random.randint(0, 3))
        ]
        return "{" + ", ".join(pairs) + "}"
