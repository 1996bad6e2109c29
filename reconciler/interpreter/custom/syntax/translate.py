"""From Lua 5.1 with `goto`, as GopherLua reads it, to the text that a stock Lua 5.1 runs with the same results.

Three things differ between the two and decide results: the order of `pairs`, the length of tables with holes, and how numbers
become text. So table constructors, `#` and `..` become calls of the run-time's own functions, and `goto` becomes loops (`jumps`).
Everything else is passed on as it stands, on its own line. Refuses whatever is not Lua, with its place. Bounded in depth and size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from reconciler.interpreter.custom.syntax.jumps import Jumps
from reconciler.interpreter.custom.syntax.pieces import Pieces, Slot, number, quoted
from reconciler.interpreter.custom.syntax.tokens import Kind, LuaSyntaxError, Token, tokens

LARGEST_SCRIPT: Final = 128 * 1024
"""Characters. Karmada's own scripts have up to some 20,000."""

DEEPEST: Final = 100
"""Levels of nesting. Lua's own compiler stops at 200, of which one level here takes up to two."""

HELPERS: Final = ("new", "list", "fields", "pairs", "length", "concat", "pass")
"""The run-time's functions that a translated chunk is given, in this order (`reconciler/lua/prelude.lua`)."""

_BINARY: Final = {
    **dict.fromkeys(("or",), (1, 1)),
    **dict.fromkeys(("and",), (2, 2)),
    **dict.fromkeys(("<", ">", "<=", ">=", "~=", "=="), (3, 3)),
    "..": (5, 4),
    **dict.fromkeys(("+", "-"), (6, 6)),
    **dict.fromkeys(("*", "/", "%"), (7, 7)),
    "^": (10, 9),
}
"""Operator to how strongly it holds what is before it, and what is behind it."""

_UNARY: Final = ("not", "-", "#")
_UNARY_STRENGTH: Final = 8
_BLOCK_ENDS: Final = frozenset(("end", "else", "elseif", "until"))
_CHUNK: Final = 50
"""Fields and operands that are passed in one call: Lua's registers are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A script ready to run: `code` is a stock Lua 5.1 chunk that takes the `HELPERS` and returns the script as a function.

    `names` are all the identifiers and short strings of the script: what it cannot name it cannot use.
    """

    code: str
    names: frozenset[str]


class _Shape(Enum):
    """What an expression is to its surroundings. OPEN ones may give several values; CALL ones are statements too."""

    VALUE = auto()
    VARIABLE = auto()
    OPEN = auto()
    CALL = auto()


@lru_cache(maxsize=256)
def translate(script: str) -> Translation:
    """The translation of a script. Raises LuaSyntaxError, with line and column within the script."""
    if len(script) > LARGEST_SCRIPT:
        raise LuaSyntaxError(
            f"the script has {len(script):,} characters, {LARGEST_SCRIPT:,} are the limit", 1, 1
        )
    return _Translator(script).chunk()


class _Field:
    """One field of a table constructor, with the slots that its final form is written into."""

    __slots__ = ("assign", "before", "closing", "is_computed", "is_open", "key", "separator")

    def __init__(self, before: Slot) -> None:
        self.before = before
        self.key = b""
        self.is_computed = False
        self.is_open = False
        self.closing: Slot | None = None
        self.assign: Slot | None = None
        self.separator: Slot | None = None

    @property
    def is_positional(self) -> bool:
        return not self.key and not self.is_computed

    def drop_punctuation(self) -> None:
        """What stands in a constructor and not in a call's arguments."""
        if self.separator is not None:
            self.separator.write("")
        if self.closing is not None:
            self.closing.write("")
        if self.assign is not None:
            self.assign.write(",")


class _Translator:
    def __init__(self, script: str) -> None:
        self._tokens = tuple(tokens(script))
        self._at = 0
        self._token = self._tokens[0]
        self._out = Pieces()
        self._depth = 0
        names = {token.text for token in self._tokens if token.kind is Kind.NAME}
        strings = {
            token.value.decode(errors="replace")
            for token in self._tokens
            if token.kind is Kind.STRING and isinstance(token.value, bytes)
        }
        self._names = frozenset(names | {text for text in strings if len(text) <= 100})
        self._prefix = _unused_prefix(names)
        self._jumps = Jumps(self._prefix)

    # ---- statements

    def chunk(self) -> Translation:
        """The whole script."""
        helpers = ",".join(map(self._helper, HELPERS))
        self._out.put(f"local {helpers}=...;return function(")
        varargs = self._out.slot()
        self._out.put(")")
        self._jumps.enter_function(takes_varargs=True)
        self._block(())
        # A function that is declared with `...` and does not name it gets a table `arg` in 5.1.
        varargs.write("..." if self._jumps.leave_function() else "")
        self._out.put("end")
        return Translation(code=self._out.text(), names=self._names)

    def _block(self, ends: tuple[str, ...], *, is_loop: bool = False) -> None:
        """Statements up to one of `ends`, which is left for the caller; without any, up to the end of the script."""
        self._descend()
        self._jumps.enter_block(is_loop=is_loop, is_repeat="until" in ends)
        while True:
            while self._is(";"):
                self._next()
            if self._is_block_end():
                break
            start, end = self._out.slot(), Slot()
            self._jumps.block.start_statement(start, end)
            is_last = self._statement()
            self._out.place(end)
            if is_last:
                if self._is(";"):
                    self._next()
                break
        if not (any(map(self._is, ends)) or (not ends and self._token.kind is Kind.END)):
            wanted = " or ".join(f"`{end}`" for end in ends) or "the end of the script"
            raise self._error(f"{wanted} is expected here, not {_shown(self._token)}")
        self._jumps.leave_block(self._out.slot())
        self._ascend()

    def _statement(self) -> bool:
        """One statement; whether it must be the last of its block."""
        match self._token.text if self._is_symbol() else "":
            case "do":
                self._pass()
                self._block(("end",))
                self._pass()
            case "while":
                self._pass()
                self._expression()
                self._expect("do")
                self._block(("end",), is_loop=True)
                self._pass()
            case "repeat":
                self._pass()
                self._block(("until",), is_loop=True)
                self._pass()
                self._expression()
            case "if":
                self._if()
            case "for":
                self._for()
            case "function":
                self._function_statement()
            case "local":
                self._local()
            case "return":
                self._return()
                return True
            case "break":
                token = self._next()
                self._out.put("", token.line)
                self._jumps.break_at(self._out.slot(), token)
                return True
            case "::":
                self._label()
                return False
            case "goto":
                self._goto()
                return False
            case _:
                self._expression_statement()
        self._out.put(";")
        return False

    def _if(self) -> None:
        start = self._pass()
        self._expression()
        self._expect("then")
        self._block(("end", "else", "elseif"))
        while self._token.text == "elseif":
            self._pass()
            self._expression()
            self._expect("then")
            self._block(("end", "else", "elseif"))
        if self._token.text == "else":
            self._pass()
            self._block(("end",))
        self._expect("end", start)

    def _for(self) -> None:
        start = self._pass()
        self._name()
        if self._is("="):
            self._pass()
            self._expression()
            self._expect(",")
            self._expression()
            if self._is(","):
                self._pass()
                self._expression()
        else:
            while self._is(","):
                self._pass()
                self._name()
            self._expect("in")
            self._expressions()
        self._expect("do", start)
        self._block(("end",), is_loop=True)
        self._pass()

    def _function_statement(self) -> None:
        self._pass()
        self._name()
        while self._is("."):
            self._pass()
            self._name()
        if self._is(":"):
            self._pass()
            self._name()
        self._function_body()

    def _local(self) -> None:
        self._jumps.block.declares_local()
        self._pass()
        if self._is("function"):
            self._pass()
            self._name()
            self._function_body()
            return
        self._name()
        while self._is(","):
            self._pass()
            self._name()
        if self._is("="):
            self._pass()
            self._expressions()

    def _return(self) -> None:
        self._pass()
        if not (self._is(";") or self._is_block_end()):
            start = self._out.slot()
            shape, is_single = self._expressions()
            if is_single and shape is not _Shape.OPEN:
                # In a tail call the caller's line would be lost, and no error could name it.
                start.write(f"{self._helper('pass')}(" if shape is _Shape.CALL else "(")
                self._out.put(")")
        self._out.put(";")

    def _label(self) -> None:
        self._next()
        token = self._take_name()
        if not self._is("::"):
            raise self._error("a label ends in `::`")
        self._next()
        self._jumps.label(token, self._out.slot())

    def _goto(self) -> None:
        token = self._next()
        self._out.put("", token.line)
        self._jumps.goto(self._take_name(), self._out.slot())

    def _expression_statement(self) -> None:
        start = self._token
        shape = self._suffixed()
        if shape is _Shape.CALL:
            return
        if shape is not _Shape.VARIABLE or not (self._is("=") or self._is(",")):
            raise self._error(f"a statement is expected here, not {_shown(start)}", start)
        while self._is(","):
            self._pass()
            target = self._token
            if self._suffixed() is not _Shape.VARIABLE:
                raise self._error("nothing can be assigned to this", target)
        self._expect("=")
        self._expressions()

    # ---- expressions

    def _expressions(self) -> tuple[_Shape, bool]:
        """A list of them; what the last is, and whether it is the only one."""
        shape, is_single = self._expression(), True
        while self._is(","):
            self._pass()
            shape, is_single = self._expression(), False
        return shape, is_single

    def _expression(self, strength: int = 0) -> _Shape:
        """One expression whose operators hold more strongly than `strength`."""
        self._descend()
        start = self._out.slot()
        is_unary = self._is_symbol() and self._token.text in _UNARY
        shape = self._unary() if is_unary else self._simple()
        while self._is_symbol() and self._token.text in _BINARY and _BINARY[self._token.text][0] > strength:
            operator = self._token.text
            if operator == "..":
                self._concat(start)
            else:
                self._pass()
                self._expression(_BINARY[operator][1])
            shape = _Shape.VALUE
        self._ascend()
        return shape

    def _unary(self) -> _Shape:
        if self._is("#"):
            line = self._next().line
            self._out.put(f"{self._helper('length')}(", line)
            self._expression(_UNARY_STRENGTH)
            self._out.put(")")
        elif self._is("-") and self._tokens[self._at + 1].value == 0.0:
            # Stock Lua 5.1 keeps 0 and -0 as one constant of a function: either all are negative or none.
            self._next()
            self._expression(_UNARY_STRENGTH)
        else:
            self._pass()
            self._expression(_UNARY_STRENGTH)
        return _Shape.VALUE

    def _concat(self, start: Slot) -> None:
        """A chain `a .. b .. c`, whose first operand is out already, behind `start`."""
        opening = f"{self._helper('concat')}("
        start.prepend(opening)
        operands = 1
        while self._is(".."):
            line = self._next().line
            if operands == _CHUNK:
                start.prepend(opening)
                self._out.put(")")
                operands = 1
            self._out.put(",", line)
            before = self._out.slot()
            if self._expression(_BINARY[".."][0]) in (_Shape.OPEN, _Shape.CALL):
                before.write("(")
                self._out.put(")")
            operands += 1
        self._out.put(")")

    def _simple(self) -> _Shape:
        token = self._token
        match token.kind:
            case Kind.NUMBER if isinstance(token.value, float):
                self._next()
                self._out.put(number(token.value), token.line)
                return _Shape.VALUE
            case Kind.STRING:
                self._string()
                return _Shape.VALUE
        match token.text if self._is_symbol() else "":
            case "nil" | "true" | "false":
                self._pass()
            case "...":
                if not self._jumps.uses_varargs():
                    raise self._error("`...` is outside a function that takes it")
                self._pass()
                return _Shape.OPEN
            case "{":
                self._table()
            case "function":
                self._pass()
                self._function_body()
            case _:
                return self._suffixed()
        return _Shape.VALUE

    def _suffixed(self) -> _Shape:
        """A name or an expression in parentheses, with what is indexed and called behind it."""
        if self._is("("):
            opening = self._pass()
            self._expression()
            self._expect(")", opening)
            shape = _Shape.VALUE
        elif self._token.kind is Kind.NAME:
            self._pass()
            shape = _Shape.VARIABLE
        else:
            raise self._error(f"{_shown(self._token)} is not expected here")
        while True:
            if self._is("."):
                self._pass()
                self._name()
                shape = _Shape.VARIABLE
            elif self._is("["):
                opening = self._pass()
                self._expression()
                self._expect("]", opening)
                shape = _Shape.VARIABLE
            elif self._is(":"):
                self._pass()
                self._name()
                self._arguments()
                shape = _Shape.CALL
            elif self._is("(") or self._is("{") or self._token.kind is Kind.STRING:
                self._arguments()
                shape = _Shape.CALL
            else:
                return shape

    def _arguments(self) -> None:
        if self._token.kind is Kind.STRING:
            self._out.put("(")
            self._string()
        elif self._is("{"):
            self._out.put("(")
            self._table()
        elif self._is("("):
            opening = self._token
            before = self._tokens[self._at - 1]
            if before.text == ")" and before.line != opening.line:
                raise self._error("a call here, or a new statement? write `;` or join the lines")
            self._next()
            # Stock Lua refuses a call whose parenthesis is on the next line.
            self._out.put("(")
            if not self._is(")"):
                self._expressions()
            self._expect(")", opening)
            return
        else:
            raise self._error("the arguments of a call are expected here")
        self._out.put(")")

    def _function_body(self) -> None:
        opening = self._token
        if not self._is("("):
            raise self._error("the parameters of the function are expected here")
        self._next()
        self._out.put("(")
        takes_varargs = False
        if not self._is(")"):
            while True:
                if self._is("..."):
                    self._pass()
                    takes_varargs = True
                    break
                self._name()
                if not self._is(","):
                    break
                self._pass()
        self._expect(")", opening)
        self._jumps.enter_function(takes_varargs=takes_varargs)
        self._block(("end",))
        self._jumps.leave_function()
        self._pass()

    def _table(self) -> None:
        opening = self._next()
        self._out.put("", opening.line)
        start = self._out.slot()
        fields: list[_Field] = []
        while not self._is("}"):
            fields.append(self._field())
            if not (self._is(",") or self._is(";")):
                break
            separator = self._next()
            fields[-1].separator = self._out.slot(",")
            self._out.put("", separator.line)
        if not self._is("}"):
            raise self._error(f"`}}` is expected here, for the `{{` of line {opening.line}")
        closing = self._next()
        self._out.put("", closing.line)
        _shape_table(fields, start, self._out.slot(), self._helper)

    def _field(self) -> _Field:
        self._out.put("", self._token.line)
        field = _Field(self._out.slot())
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if self._is("["):
            opening = self._next()
            field.is_computed = True
            field.before.write("[")
            self._out.put("", opening.line)
            self._expression()
            if not self._is("]"):
                raise self._error("`]` is expected here")
            self._next()
            field.closing = self._out.slot("]")
        elif self._token.kind is Kind.NAME and following.text == "=" and following.kind is Kind.SYMBOL:
            field.key = self._next().text.encode()
            field.before.write(field.key.decode())
        else:
            field.is_open = self._expression() in (_Shape.OPEN, _Shape.CALL)
            return field
        if not self._is("="):
            raise self._error("`=` is expected here")
        line = self._next().line
        field.assign = self._out.slot("=")
        self._out.put("", line)
        self._expression()
        return field

    def _string(self) -> None:
        token = self._next()
        if isinstance(token.value, bytes):
            self._out.put(quoted(token.value), token.line)

    # ---- tokens

    def _is(self, text: str) -> bool:
        return self._token.text == text and self._is_symbol()

    def _is_symbol(self) -> bool:
        return self._token.kind is Kind.SYMBOL

    def _next(self) -> Token:
        token = self._token
        self._at += 1
        self._token = self._tokens[min(self._at, len(self._tokens) - 1)]
        return token

    def _pass(self) -> Token:
        """The token, put out as it stands."""
        token = self._next()
        self._out.put(token.text, token.line)
        return token

    def _is_block_end(self) -> bool:
        return self._token.kind is Kind.END or (self._is_symbol() and self._token.text in _BLOCK_ENDS)

    def _expect(self, text: str, opening: Token | None = None) -> None:
        if not self._is(text):
            where = f", for the `{opening.text}` of line {opening.line}" if opening else ""
            raise self._error(f"`{text}` is expected here, not {_shown(self._token)}{where}")
        self._pass()

    def _name(self) -> None:
        token = self._take_name()
        self._out.put(token.text, token.line)

    def _take_name(self) -> Token:
        if self._token.kind is not Kind.NAME:
            raise self._error(f"a name is expected here, not {_shown(self._token)}")
        return self._next()

    def _helper(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} levels in one another")

    def _ascend(self) -> None:
        self._depth -= 1

    def _error(self, message: str, at: Token | None = None) -> LuaSyntaxError:
        token = at or self._token
        return LuaSyntaxError(message, token.line, token.column)


def _shape_table(fields: list[_Field], start: Slot, end: Slot, helper: Callable[[str], str]) -> None:
    """Write the constructor's form: stock Lua's own where that keeps the order, else key by key."""
    names = [field.key for field in fields if field.key]
    positional = [field for field in fields if field.is_positional]
    count = "false" if fields and fields[-1].is_open else str(len(positional))
    if not fields:
        start.write(f"{helper('new')}(")
        end.write(")")
    elif not names and not any(field.is_computed for field in fields):
        start.write(f"{helper('list')}({{")
        end.write(f"}},{count})")
    elif len(names) <= _CHUNK and not any(field.is_computed for field in fields):
        start.write(f"{helper('fields')}({{")
        end.write(f"}},{count}," + ",".join(map(quoted, names)) + ")")
    else:
        _shape_pairs(fields, start, end, helper)


def _shape_pairs(fields: list[_Field], start: Slot, end: Slot, helper: Callable[[str], str]) -> None:
    """`pairs(table, count, first, key, value, ..., values...)`; `first` is the index of open values at the end, or false."""
    for field in fields:
        field.drop_punctuation()
    keyed = fields[:-1] if fields[-1].is_positional and fields[-1].is_open else fields
    chunks = [keyed[index : index + _CHUNK] for index in range(0, len(keyed), _CHUNK)]
    first = sum(field.is_positional for field in keyed) + 1 if keyed is not fields else 0
    start.write(f"{helper('pairs')}(" * len(chunks) + f"{helper('new')}()")
    position = 0
    for index, chunk in enumerate(chunks):
        is_final = index == len(chunks) - 1
        opening = f"{')' if index else ''},{len(chunk)},{(is_final and first) or 'false'},"
        for field in chunk:
            position += field.is_positional
            key = f"{position}," if field.is_positional else "" if field.is_computed else quoted(field.key)
            field.before.write(opening + key)
            opening = ","
    if keyed is not fields:
        fields[-1].before.write(",")
    end.write(")")


def _unused_prefix(names: Iterable[str]) -> str:
    """A prefix that no name of the script begins with."""
    taken = tuple(names)
    count = 0
    while any(name.startswith(f"_{count}_") for name in taken):
        count += 1
    return f"_{count}_"


def _shown(token: Token) -> str:
    return token.text if token.kind is Kind.END else f"`{token.text[:40]}`"
