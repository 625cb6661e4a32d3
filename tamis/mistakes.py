"""Typed reading of parsed TOML that finds every mistake and says where it stands: file, line, key, nearest name."""

import difflib
import enum
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from tamis import toml_lines


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration file; `str()` of it is one clear line."""

    file: str
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.text}" if self.key else f"{where}: {self.text}"


_AT: Final = re.compile(r"(.*?)(?: - at `(?:key in )?\$(.*)`)?$", re.S)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`$")
_MEMBER: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")


def convert(
    data: dict[str, Any],
    kind: Any,
    prefix: toml_lines.Path,
    file: str,
    lines: dict[toml_lines.Path, int],
    problems: list[Problem],
) -> Any:
    """Convert `data`, reporting every mistake: each one found is taken out and the rest tried again."""
    result = None
    for _ in range(100):
        try:
            result = msgspec.convert(data, kind, strict=True)
            break
        except msgspec.ValidationError as error:
            path, text = _explain(str(error), data, kind)
            whole = prefix + path
            problems.append(Problem(file, toml_lines.line_of(lines, whole), dotted(whole), text))
            if not path or not _remove(data, path):
                break
    return result


def _explain(message: str, data: dict[str, Any], kind: Any) -> tuple[toml_lines.Path, str]:
    match = _AT.match(message)
    text, where = (match.group(1), match.group(2) or "") if match else (message, "")
    path = _resolve(where, data, kind)
    unknown = _UNKNOWN.search(text)
    if unknown:
        known = _keys_at(kind, path)
        near = difflib.get_close_matches(unknown.group(1), known, 1)
        keys = f"known keys: {', '.join(sorted(known))}" if known else "there is nothing to set here"
        hint = f"; did you mean {near[0]!r}?" if near else f"; {keys}"
        return (*path, unknown.group(1)), f"unknown key{hint}"
    named, colon, rest = text.partition(": ")
    if colon and named in _keys_at(kind, path):
        return (*path, named), rest
    text = text.replace("Expected", "expected", 1).replace(" | null", "")
    if text.startswith("Invalid enum value"):
        value, allowed = _lookup(data, path), _choices(kind, path)
        near = difflib.get_close_matches(str(value), [str(choice) for choice in allowed], 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return path, f"{value!r} is not one of {', '.join(str(choice) for choice in allowed)}{hint}"
    if "matching regex" in text:
        return path, f"{_lookup(data, path)!r} is not a possible value (it must match {text.split('regex ')[1]})"
    return path, text


def _resolve(where: str, data: Any, kind: Any) -> toml_lines.Path:
    """Turn msgspec's path into keys; its ``[...]`` (some key of a mapping) is found by trying each."""
    path: list[str | int] = []
    for match in _MEMBER.finditer(where):
        name, index, some = match.groups()
        if some:
            mapping = _lookup(data, tuple(path))
            wanted = _kind_at(kind, (*path, "?"))
            for key, value in mapping.items() if isinstance(mapping, dict) else ():
                try:
                    msgspec.convert(value, wanted, strict=True)
                except msgspec.ValidationError:
                    path.append(key)
                    break
        else:
            path.append(int(index) if index is not None else name)
    return tuple(path)


def _lookup(data: Any, path: toml_lines.Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _remove(data: dict[str, Any], path: toml_lines.Path) -> bool:
    parent = _lookup(data, path[:-1])
    try:
        del parent[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _kind_at(kind: Any, path: toml_lines.Path) -> Any:
    for step in path:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            kind = get_type_hints(kind, include_extras=True).get(str(step), Any)
        else:
            return Any
    return kind


def _keys_at(kind: Any, path: toml_lines.Path) -> list[str]:
    found = _kind_at(kind, path)
    is_struct = isinstance(found, type) and issubclass(found, msgspec.Struct)
    return [str(name) for name in found.__struct_fields__] if is_struct else []


def _choices(kind: Any, path: toml_lines.Path) -> list[Any]:
    found = _kind_at(kind, path)
    options: list[Any] = []
    for choice in [found, *get_args(found)]:
        if isinstance(choice, type) and issubclass(choice, enum.Enum):
            options.extend(one.value for one in choice)
        if get_origin(choice) is Literal:
            options.extend(get_args(choice))
    return options


def dotted(path: toml_lines.Path) -> str:
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        else:
            out += ("." if out else "") + (step if re.fullmatch(r"[A-Za-z0-9_-]+", step) else f'"{step}"')
    return out
