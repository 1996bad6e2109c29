"""`goto` and labels in a language that has only loops: blocks, what jumps in them, and the loops that stand in for jumps.

A jump forwards leaves a `repeat ... until true` that ends at its label; a jump backwards starts a `while true` again that begins
there. Loops in between are left by a flag. Jumps that cross one another in other ways are refused: they have no such form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.interpreter.custom.syntax.pieces import Slot
from reconciler.interpreter.custom.syntax.tokens import LuaSyntaxError, Token


@dataclass(slots=True, eq=False)
class _Goto:
    """A jump that has not found its label yet. `crossed`: places right behind the loops that it leaves."""

    name: Token
    slot: Slot
    crossed: list[Slot] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Statement:
    start: Slot
    end: Slot
    gotos: list[_Goto] = field(default_factory=list)
    breaks: list[Slot] = field(default_factory=list)
    is_local: bool = False
    label: Token | None = None
    arrival: Slot = field(default_factory=Slot)
    departure: Slot = field(default_factory=Slot)


@dataclass(slots=True, eq=False)
class _Region:
    """The statements `first` to `last` of a block, run as a loop because of the jumps `gotos`."""

    first: int
    last: int
    label: int
    gotos: list[_Goto]
    is_backwards: bool


@dataclass(slots=True, eq=False)
class Block:
    """One block while it is read."""

    is_loop: bool
    is_repeat: bool
    statements: list[_Statement] = field(default_factory=list)

    def start_statement(self, start: Slot, end: Slot) -> None:
        """A statement begins at `start`; `end` will stand right behind it."""
        self.statements.append(_Statement(start, end))

    def declares_local(self) -> None:
        """The statement that is read makes a local variable."""
        self.statements[-1].is_local = True


@dataclass(slots=True, eq=False)
class _Function:
    takes_varargs: bool
    uses_varargs: bool = False
    blocks: list[Block] = field(default_factory=list)


class Jumps:
    """What one script's functions and blocks jump to. `prefix` begins the names of the flags."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._functions: list[_Function] = []
        self._flags = 0

    @property
    def block(self) -> Block:
        """The block that is read."""
        return self._functions[-1].blocks[-1]

    def enter_function(self, *, takes_varargs: bool) -> None:
        """A function's body begins."""
        self._functions.append(_Function(takes_varargs))

    def leave_function(self) -> bool:
        """A function's body ends; whether it names `...`."""
        return self._functions.pop().uses_varargs

    def uses_varargs(self) -> bool:
        """`...` is read; whether it may stand here."""
        function = self._functions[-1]
        function.uses_varargs = True
        return function.takes_varargs

    def enter_block(self, *, is_loop: bool, is_repeat: bool) -> None:
        """A block begins: a loop's body, that of `repeat` or another."""
        self._functions[-1].blocks.append(Block(is_loop, is_repeat))

    def leave_block(self, end: Slot) -> None:
        """The block that is read is over; `end` stands at its end. Raises LuaSyntaxError."""
        blocks = self._functions[-1].blocks
        block = blocks.pop()
        if any(statement.label is not None for statement in block.statements):
            self._resolve(block, end)
        parent = blocks[-1].statements[-1] if blocks else None
        for statement in block.statements:
            for jump in statement.gotos:
                if parent is None:
                    raise _refused(f"there is no label `{jump.name.text}` in sight", jump.name)
                parent.gotos.append(jump)
            if not block.is_loop and parent is not None:
                parent.breaks += statement.breaks
        if block.is_loop and parent is not None:
            for jump in parent.gotos:
                _cross(jump, parent.end)

    def break_at(self, slot: Slot, token: Token) -> None:
        """A `break`. Raises LuaSyntaxError where there is no loop."""
        if not any(block.is_loop for block in self._functions[-1].blocks):
            raise _refused("there is no loop to leave", token)
        slot.write("break ")
        self.block.statements[-1].breaks.append(slot)

    def label(self, name: Token, slot: Slot) -> None:
        """A label; `slot` stands in its place."""
        if any(each.label is not None and each.label.text == name.text for each in self.block.statements):
            raise _refused(f"there is a label `{name.text}` in this block already", name)
        statement = self.block.statements[-1]
        statement.label = name
        slot.append(statement.arrival, statement.departure)

    def goto(self, name: Token, slot: Slot) -> None:
        """A jump to a label; `slot` stands in its place."""
        self.block.statements[-1].gotos.append(_Goto(name, slot))

    def _resolve(self, block: Block, end: Slot) -> None:
        regions = _regions(block)
        _check(regions, block)
        # From the inside out: what is inside has begun later or ends earlier.
        for region in sorted(regions, key=lambda each: each.last - each.first):
            self._enclose(region, block, end)

    def _enclose(self, region: _Region, block: Block, end: Slot) -> None:
        self._flags += 1
        jumped, broke = f"{self._prefix}j{self._flags}", f"{self._prefix}b{self._flags}"
        inside = block.statements[region.first : region.last + 1]
        label = block.statements[region.label]
        breaks = [slot for statement in inside for slot in statement.breaks]
        for slot in breaks:
            slot.write(f"do {broke}=true break end ")
        for jump in region.gotos:
            jump.slot.write(f"do {jumped}=true break end ")
            for crossed in jump.crossed:
                crossed.append(f"if {jumped} then break end ")
        after = Slot()
        if region.is_backwards:
            label.departure.append(f"local {broke} while true do local {jumped} repeat ")
            end.append(f"until true if {broke} or not {jumped} then break end end ", after)
        else:
            inside[0].start.prepend(f"local {jumped},{broke} repeat ")
            label.arrival.append("until true ", after)
        if breaks:
            again = Slot("break ")
            after.append(f"if {broke} then ", again, "end ")
            inside[-1].breaks = [again]
            for statement in inside[:-1]:
                statement.breaks = []
        for statement in inside:
            statement.gotos = [jump for jump in statement.gotos if jump not in region.gotos]
            for jump in statement.gotos:
                _cross(jump, after)


def _regions(block: Block) -> list[_Region]:
    """One region for each label and direction that is jumped in."""
    regions = []
    statements = block.statements
    for index, statement in enumerate(statements):
        if statement.label is None:
            continue
        name = statement.label.text
        at = {
            place: [jump for jump in each.gotos if jump.name.text == name]
            for place, each in enumerate(statements)
        }
        before = [place for place, jumps in at.items() if jumps and place < index]
        if before:
            gotos = [jump for place in before for jump in at[place]]
            regions.append(_Region(before[0], index - 1, index, gotos, is_backwards=False))
        behind = [place for place, jumps in at.items() if jumps and place > index]
        if behind:
            gotos = [jump for place in behind for jump in at[place]]
            regions.append(_Region(index + 1, len(statements) - 1, index, gotos, is_backwards=True))
    return regions


def _check(regions: list[_Region], block: Block) -> None:
    """Make regions lie inside one another or apart, by widening those that jump forwards. Raises LuaSyntaxError."""
    is_changed = True
    while is_changed:
        is_changed = False
        for region in regions:
            for other in regions:
                if other.first < region.first <= other.last < region.last:
                    if region.is_backwards:
                        raise _refused("these jumps cross one another", region.gotos[0].name)
                    region.first = other.first
                    is_changed = True
    for region in regions:
        inside = block.statements[region.first : region.last + 1]
        is_end = all(statement.label is not None for statement in block.statements[region.last + 1 :])
        if any(statement.is_local for statement in inside) and (block.is_repeat or not is_end):
            raise _refused("this jump passes the declaration of a local variable", region.gotos[0].name)


def _cross(jump: _Goto, place: Slot) -> None:
    slot = Slot()
    place.append(slot)
    jump.crossed.append(slot)


def _refused(message: str, token: Token) -> LuaSyntaxError:
    return LuaSyntaxError(message, token.line, token.column)
