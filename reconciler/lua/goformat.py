"""Numbers and `string.format` as Go writes them: GopherLua hands both to Go's `fmt` (spec rendering-and-status §3.4).

Pure. Values are Lua's: None, bool, float, bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import isfinite, isinf, isnan
from typing import Final

LuaValue = None | bool | float | bytes

LARGEST: Final = 1_000_000
"""Bytes that a formatted text may have, and the widest a field."""

_DIGITS_OF_64_BITS: Final = 64
"""In the smallest radix."""

_VERB: Final = re.compile(
    rb"%(?P<flags>[-+# 0]*)(?P<width>[0-9]*)(?:\.(?P<precision>[0-9]*))?(?P<verb>.?)", re.DOTALL
)
_ESCAPES: Final = {
    7: "\\a",
    8: "\\b",
    12: "\\f",
    10: "\\n",
    13: "\\r",
    9: "\\t",
    11: "\\v",
    92: "\\\\",
    34: '\\"',
}


class _Missing:
    """Stands for a value that a verb asks for and nobody gave."""


_MISSING: Final = _Missing()


class FormatError(Exception):
    """The text would be too long."""


def number_text(number: float) -> bytes:
    """A number as `tostring` and `..` write it: whole ones without a fraction."""
    if isfinite(number) and number == int(number) and -(2**63) <= number < 2**63:
        return b"%d" % int(number)
    return _shortest(number).encode()


def format_text(pattern: bytes, values: tuple[LuaValue, ...]) -> bytes:
    """`string.format`. Raises FormatError above a million bytes."""
    wanted = pattern.count(b"%") - pattern.count(b"%%")
    given = iter(values[: max(wanted, 0)])
    parts: list[bytes] = []
    size = position = 0
    for match in _VERB.finditer(pattern):
        parts.append(pattern[position : match.start()])
        parts.append(_verb(match, given))
        position = match.end()
        size += len(parts[-1]) + len(parts[-2])
        if size > LARGEST:
            raise FormatError(f"the formatted text has more than {LARGEST} bytes")
    rest = list(given)
    parts.append(pattern[position:])
    if rest:
        parts.append(b"%!(EXTRA " + b", ".join(_typed(value) for value in rest) + b")")
    return b"".join(parts)


def _verb(match: re.Match[bytes], given: Iterator[LuaValue]) -> bytes:
    verb = match["verb"].decode("latin-1")
    if verb == "%":
        return b"%"
    if not verb:
        return b"%!(NOVERB)"
    width = int(match["width"] or 0)
    precision = None if match["precision"] is None else int(match["precision"] or 0)
    if width > LARGEST or (precision or 0) > LARGEST:
        raise FormatError("a field is too wide")
    value = next(given, _MISSING)
    if isinstance(value, _Missing):
        return f"%!{verb}(MISSING)".encode()
    flags = match["flags"].decode()
    if verb == "v":
        flags = flags.replace("+", "")
    if isinstance(value, bool) or value is None:
        return _other(value, verb, flags, width, precision)
    if isinstance(value, bytes):
        return _string(value, verb, flags, width, precision)
    return _number(value, verb, flags, width, precision)


def _string(value: bytes, verb: str, flags: str, width: int, precision: int | None) -> bytes:
    match verb:
        case "d" | "i":
            # GopherLua: text that is a number is written as it stands, other text as zero.
            if _is_number(value):
                return _padded(_cut(value, precision), flags, width)
            return _signed(0, str, flags, width, precision)
        case "s" | "v":
            return _padded(_cut(value, precision), flags, width)
        case "q":
            return _padded(_quoted(_cut(value, precision), flags), flags, width)
        case "x" | "X":
            shown = value if precision is None else value[:precision]
            text = (shown.hex(" ") if " " in flags else shown.hex()).encode()
            return _padded(text.upper() if verb == "X" else text, flags, width)
    return b"%!" + verb.encode() + b"(string=" + value + b")"


def _number(value: float, verb: str, flags: str, width: int, precision: int | None) -> bytes:
    whole = isfinite(value) and value == int(value) and -(2**63) <= value < 2**63
    if verb in ("d", "i", "x", "X", "o", "b", "c", "U") or (verb == "v" and whole):
        integer = _to_int64(value)
        match verb:
            case "x":
                return _signed(
                    integer, lambda n: f"{n:#x}" if "#" in flags else f"{n:x}", flags, width, precision
                )
            case "X":
                return _signed(
                    integer, lambda n: f"{n:#X}" if "#" in flags else f"{n:X}", flags, width, precision
                )
            case "o":
                return _signed(
                    integer, lambda n: ("0" if "#" in flags else "") + f"{n:o}", flags, width, precision
                )
            case "b":
                return _signed(integer, lambda n: f"{n:b}", flags, width, precision)
            case "c":
                return _padded(_rune(integer).encode(), flags, width)
            case "U":
                return _padded(f"U+{integer:04X}".encode(), flags, width)
        return _signed(integer, str, flags, width, precision)
    match verb:
        case "s":
            return _padded(_cut(number_text(value), precision), flags, width)
        case "q":
            return _padded(_quoted(_cut(number_text(value), precision), flags), flags, width)
        case "e" | "E" | "f" | "F" | "g" | "G" | "v":
            return _float(value, verb, flags, width, precision)
    kind, text = ("int64", str(int(value))) if whole else ("float64", _shortest(value))
    return f"%!{verb}({kind}={text})".encode()


def _float(value: float, verb: str, flags: str, width: int, precision: int | None) -> bytes:
    if not isfinite(value):
        text = "NaN" if isnan(value) else ("Inf" if value > 0 else "-Inf")
        if "+" in flags and value > 0:
            text = "+" + text
        elif isinf(value) and value > 0 and verb == "v":
            text = "+Inf"
        return _padded(text.encode(), flags.replace("0", ""), width)
    magnitude = abs(value)
    is_negative = str(value).startswith("-")
    if verb in ("g", "G", "v"):
        text = _shortest(magnitude) if precision is None else _general(magnitude, precision)
    elif verb in ("e", "E"):
        text = f"{magnitude:.{6 if precision is None else precision}e}"
    else:
        text = f"{magnitude:.{6 if precision is None else precision}f}"
    text = text.upper() if verb in ("E", "G") else text
    sign = "-" if is_negative else "+" if "+" in flags else " " if " " in flags else ""
    if "0" in flags and "-" not in flags:
        return (sign + text.rjust(width - len(sign), "0")).encode()
    return _padded((sign + text).encode(), flags, width)


def _signed(value: int, write: Callable[[int], str], flags: str, width: int, precision: int | None) -> bytes:
    if precision == 0 and value == 0:
        return b" " * width
    digits = write(abs(value)).rjust(precision or 0, "0")
    sign = "-" if value < 0 else "+" if "+" in flags else " " if " " in flags else ""
    if "0" in flags and "-" not in flags and precision is None:
        digits = digits.rjust(width - len(sign), "0")
    # Go: beside a precision the flag for zeros says nothing.
    return _padded((sign + digits).encode(), flags.replace("0", ""), width)


def _other(value: bool | None, verb: str, flags: str, width: int, precision: int | None) -> bytes:
    text = b"nil" if value is None else b"true" if value else b"false"
    if verb in ("s", "v") or (verb == "t" and value is not None):
        return _padded(_cut(text, precision), flags, width)
    if verb == "q":
        return _padded(_quoted(_cut(text, precision), flags), flags, width)
    if verb in ("x", "X"):
        return _string(text, verb, flags, width, precision)
    if value is None:
        return b"%!" + verb.encode() + b"(*lua.LNilType=&{})"
    return b"%!" + verb.encode() + b"(lua.LBool=" + text + b")"


def _typed(value: LuaValue) -> bytes:
    if isinstance(value, bytes):
        return b"lua.LString=" + value
    if value is None:
        return b"*lua.LNilType=nil"
    if isinstance(value, bool):
        return b"lua.LBool=" + _other(value, "v", "", 0, None)
    return b"lua.LNumber=" + number_text(value)


def _general(value: float, precision: int) -> str:
    """`%.Ng`: as C, but Go's threshold counts the digits that are there."""
    digits = f"{value:.{max(precision, 1) - 1}e}"
    mantissa, exponent = digits.split("e")
    power = int(exponent)
    significant = max(precision, 1)
    kept = (mantissa.replace(".", "")).rstrip("0") or "0"
    threshold = significant
    if threshold > len(kept) >= power + 1:
        threshold = len(kept)
    if power < -4 or power >= threshold:
        return _exponential(kept, power)
    return _plain(kept, power)


def _shortest(value: float) -> str:
    """The fewest digits that name the number: Go's `%v` and `%g`, which turn to exponents below 1e-4 and from 1e6 on."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if str(value).startswith("-") else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    power = (
        len(whole) - 1 + int(exponent or 0)
        if whole != "0"
        else int(exponent or 0) - 1 - (len(fraction) - len(fraction.lstrip("0")))
    )
    digits = digits.rstrip("0") or "0"
    if digits == "0":
        return sign + "0"
    if power < -4 or power >= 6:
        return sign + _exponential(digits, power)
    return sign + _plain(digits, power)


def _exponential(digits: str, power: int) -> str:
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _plain(digits: str, power: int) -> str:
    if power < 0:
        return "0." + "0" * (-power - 1) + digits
    if len(digits) <= power + 1:
        return digits + "0" * (power + 1 - len(digits))
    return f"{digits[: power + 1]}.{digits[power + 1 :]}"


def _padded(text: bytes, flags: str, width: int) -> bytes:
    missing = width - len(text.decode("utf-8", "replace"))
    if missing <= 0:
        return text
    if "-" in flags:
        return text + b" " * missing
    return (b"0" if "0" in flags else b" ") * missing + text


def _cut(text: bytes, precision: int | None) -> bytes:
    if precision is None:
        return text
    return text.decode("utf-8", "surrogateescape")[:precision].encode("utf-8", "surrogateescape")


def _quoted(text: bytes, flags: str) -> bytes:
    if "#" in flags and b"`" not in text and all(byte >= 32 or byte == 9 for byte in text):
        return b"`" + text + b"`"
    parts = []
    for character in text.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if code in _ESCAPES:
            parts.append(_ESCAPES[code])
        elif 0xDC80 <= code <= 0xDCFF:
            parts.append(f"\\x{code - 0xDC00:02x}")
        elif code < 128 and character.isprintable():
            parts.append(character)
        elif code < 128:
            parts.append(f"\\x{code:02x}")
        elif character.isprintable() and "+" not in flags:
            parts.append(character)
        else:
            parts.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return ('"' + "".join(parts) + '"').encode()


def _rune(code: int) -> str:
    return chr(code) if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _to_int64(value: float) -> int:
    """Go's conversion on amd64: what does not fit becomes the smallest integer."""
    return int(value) if isfinite(value) and -(2**63) <= value < 2**63 else -(2**63)


def _is_number(value: bytes) -> bool:
    try:
        float(value.strip(b" \t\n"))
    except ValueError:
        return re.fullmatch(rb"[ \t\n]*[-+]?0[xX][0-9a-fA-F]+[ \t\n]*", value) is not None
    return True


def parse_number(text: bytes, base: float = 0) -> float | None:
    """`tonumber` as GopherLua has it: without a point only integers, so that `1e3` is none. Base 0 is 10, or 16 after `0x`."""
    stripped = text.strip(b" \n\t")
    if b"." in stripped:
        return _parse_float(stripped)
    radix = int(base) or 10
    if not base and stripped[:2].lower() == b"0x":
        radix, stripped = 16, stripped[2:]
    if not 2 <= radix <= 36 or not re.fullmatch(rb"[-+]?[0-9A-Za-z]+", stripped):
        return None
    digits = stripped.lstrip(b"-+").lstrip(b"0") or b"0"
    if len(digits) > _DIGITS_OF_64_BITS or any(int(chr(digit), 36) >= radix for digit in digits):
        return None
    number = -int(digits, radix) if stripped.startswith(b"-") else int(digits, radix)
    return float(number) if -(2**63) <= number < 2**63 else None


def _parse_float(text: bytes) -> float | None:
    if not re.fullmatch(rb"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", text):
        return None
    number = float(text)
    return number if isfinite(number) else None
