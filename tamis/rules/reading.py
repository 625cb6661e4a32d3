"""Rule files: read, and every mistake pointed at by file, line, column and character."""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from tamis import limits, toml_lines
from tamis.mistakes import Problem, convert, dotted
from tamis.rules import expressions, patterns
from tamis.rules.expressions import BadExpression
from tamis.rules.patterns import BadPattern
from tamis.rules.rule import Language, Rule, acceptable
from tamis.rules.toml_strings import position

BASE: Final = Path(__file__).with_name("base")
"""The folder of the shipped rules."""

_AT: Final = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole rule file. `language` is that of its rules that name none."""

    language: Language = ""
    rule: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. `str()` of it is a clear line; with `source` known, two more show the character."""

    problem: Problem
    column: int = 0
    source: str = ""

    def __str__(self) -> str:
        problem = self.problem
        if not self.column:
            return str(problem)
        key = f"{problem.key}: " if problem.key else ""
        return f"{problem.file}:{problem.line}:{self.column}: {key}{problem.text}"

    def lines(self) -> Iterator[str]:
        """Yield the mistake, and below it the line of the file with a mark under the wrong character."""
        yield str(self)
        if self.column and self.source:
            first = max(0, self.column - 60)
            shown = "".join(letter if letter.isprintable() else " " for letter in self.source[first : first + 100])
            yield f"    {shown}"
            yield f"    {' ' * (self.column - 1 - first)}^"


class RulesError(ValueError):
    """Rule files that cannot be used; `mistakes` lists everything found."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes

    def files(self) -> set[str]:
        """Return the files with a mistake."""
        return {mistake.problem.file for mistake in self.mistakes}


@dataclass(slots=True)
class _Read:
    """One file that has been read as TOML."""

    file: str
    text: str
    lines: dict[toml_lines.Path, int]
    rules: dict[str, Rule] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Names of rules with mistakes: whoever names them makes none."""
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, path: toml_lines.Path, text: str, index: int | None = None, at: int = 0) -> None:
        """Add a mistake at a key, or inside of the string of that index in its value."""
        line, column = toml_lines.line_of(self.lines, path), 0
        key = dotted(path) if index is None or path[-1] == "expression" else dotted((*path, index))
        if index is not None and path in self.lines:
            line, column = position(self.text, self.lines[path], index, at) or (line, 0)
        source = self.text.split("\n")[line - 1] if line and column else ""
        self.mistakes.append(Mistake(Problem(self.file, line, key, text), column, source))


def read(files: Iterable[tuple[str, str]], replaces: Iterable[tuple[str, str]] = ()) -> dict[str, Rule]:
    """Return the rules of files, given as name and text, by their names, those that are switched off too.

    A rule of `files` takes the place of one of the same name in `replaces`. Raises `RulesError` with every mistake.
    """
    below, above = [_parsed(*one) for one in replaces], [_parsed(*one) for one in files]
    everything = [*below, *above]
    rules: dict[str, tuple[_Read, Rule]] = {}
    for one in everything:
        for name, rule in one.rules.items():
            if name in rules and rules[name][0] in above:
                one.wrong(("rule", name), f"there is a rule of that name in {rules[name][0].file}")
            else:
                rules[name] = one, rule
    enabled = {name: rule for name, (_, rule) in rules.items() if rule.enabled}
    known = rules.keys() | {name for one in everything for name in one.broken}
    for name, (one, rule) in rules.items():
        _check_patterns(one, name, rule)
        if rule.enabled and rule.expression:
            _check_expression(one, name, rule, rules, known)
    if len(enabled) > limits.RULES:
        everything[-1].wrong((), f"{len(enabled)} rules; at most {limits.RULES}")
    mistakes = [mistake for one in everything for mistake in one.mistakes]
    if not mistakes:
        mistakes = list(_circles(enabled, rules))
    if mistakes:
        raise RulesError(sorted(mistakes, key=lambda m: (m.problem.file, m.problem.line or 0, m.column)))
    return {name: rule for name, (_, rule) in rules.items()}


def _parsed(file: str, text: str) -> _Read:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _AT.search(said)
        line, column = (int(at[1]), int(at[2])) if at else (text.count("\n") + 1, 0)
        source = text.split("\n")[line - 1] if column else ""
        mistake = Mistake(Problem(file, line, "", said[: at.start()] if at else said), column, source)
        return _Read(file, text, {}, mistakes=[mistake])
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return _Read(file, text, {}, mistakes=[Mistake(Problem(file, None, "", said))])
    lines = toml_lines.key_lines(text)
    problems: list[Problem] = []
    found: _File = convert(data, _File, (), file, lines, problems) or _File()
    read = _Read(file, text, lines)
    for name, values in found.rule.items():
        if not acceptable(name):
            read.wrong(("rule", name), "no name of a rule: write small letters, digits and hyphens, at most 40")
        before = len(problems)
        rule: Rule | None = convert(dict(values), Rule, ("rule", name), file, lines, problems)
        if rule is None or problems[before:]:
            read.broken.add(name)
            continue
        problems += [
            Problem(file, toml_lines.line_of(lines, ("rule", name, key)), dotted(("rule", name, key)), text)
            for key, text in rule.mistakes()
        ]
        read.rules[name] = rule if rule.language else msgspec.structs.replace(rule, language=found.language)
    read.mistakes += [Mistake(problem) for problem in problems]
    return read


def _check_patterns(one: _Read, name: str, rule: Rule) -> None:
    for index, pattern in enumerate(rule.patterns):
        try:
            patterns.check(pattern, frozenset(rule.keep))
        except BadPattern as error:
            one.wrong(("rule", name, "patterns"), str(error), index, error.at)


def _check_expression(
    one: _Read, name: str, rule: Rule, rules: "Mapping[str, tuple[_Read, Rule]]", known: Collection[str]
) -> None:
    path = ("rule", name, "expression")
    try:
        node = expressions.parse(rule.expression, {*known} - {name})
    except BadExpression as error:
        one.wrong(path, str(error), 0, error.at)
        return
    for other, at in node.names():
        if other in rules and rules[other][1].where == ("ocr",):
            one.wrong(path, f"{other!r} looks at OCR text alone, which is read after rows 18 to 20", 0, at)


def _circles(enabled: Mapping[str, Rule], rules: Mapping[str, tuple[_Read, Rule]]) -> Iterator[Mistake]:
    """Yield the expressions that lead back to themselves."""
    uses = {
        name: [other for other, _ in expressions.parse(rule.expression, rules.keys() - {name}).names()]
        for name, rule in enabled.items()
        if rule.expression
    }
    done: set[str] = set()
    for start in uses:
        # Depth first; a rule that is on the way already closes a circle.
        way: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                way.pop()
                done.add(name)
            elif name in way:
                one = rules[name][0]
                circle = " -> ".join([*way[way.index(name) :], name])
                line = toml_lines.line_of(one.lines, ("rule", name, "expression"))
                yield Mistake(Problem(one.file, line, f"rule.{name}.expression", f"leads back to itself: {circle}"))
                return
            elif name not in done:
                way.append(name)
                stack.append((name, True))
                stack += [(other, False) for other in uses.get(name, ())]


def texts(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """Return name and text of rule files. Raises `RulesError` where one cannot be read."""
    found, mistakes = [], []
    for path in paths:
        try:
            with path.open("rb") as file:
                octets = file.read(limits.RULE_FILE_BYTES + 1)
            if len(octets) > limits.RULE_FILE_BYTES:
                raise ValueError(f"larger than {limits.RULE_FILE_BYTES} octets")
            found.append((str(path), octets.decode("utf-8-sig").replace("\r\n", "\n")))
        except UnicodeDecodeError as error:
            mistakes.append(Mistake(Problem(str(path), None, "", f"is not UTF-8: {error.reason}")))
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            mistakes.append(Mistake(Problem(str(path), None, "", said)))
    if mistakes:
        raise RulesError(mistakes)
    return found


def shipped_paths() -> list[Path]:
    """Return the files of the shipped rules."""
    return sorted(BASE.glob("*.toml"))
