"""Read YAML as values that anybody can keep, each with the text that its author typed for it."""

from __future__ import annotations

from typing import Any, Final

import yaml

MAX_MERGED: Final = 100_000
"""Values that the mappings in YAML can have, those that merge keys (`<<`) copy counted as often."""

MAX_REPEATED: Final = 1_000_000
"""Characters that the values in YAML can have, those that aliases (`*`) repeat counted as often."""

_MAX_NUMBER: Final = 100  # characters: what is longer is text, and costs no more time than text

_TYPED: Final = {
    f"tag:yaml.org,2002:{name}": name for name in ("bool", "int", "float", "timestamp")
}
_NULL: Final = "tag:yaml.org,2002:null"


def load(source: str) -> tuple[Any, Any]:
    """Return what YAML holds, and the same with its numbers, bools and dates as they are typed.

    Both are made of None, text, lists, and dicts whose keys are text as it is typed; the first has
    bools, ints, floats, dates and datetimes, too. Nothing else is ever made: a tag such as `!ruby`
    is ignored. A number or date that cannot be, 2026-99-99, is text. Of equal keys in a mapping the
    last one counts, as in Jekyll.

    Raises `yaml.YAMLError` where it is not YAML, or a key is a list or a mapping, and `ValueError`
    where a value holds itself, or a short text stands for a very long one.
    """
    loader = _Loader(source)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None
        value, spelled = loader.build(node)
        _check_length(value)
        return value, spelled
    finally:
        loader.dispose()


# Not yaml.CSafeLoader: with a libyaml older than 0.2.6, deeply nested brackets crash it.
class _Loader(yaml.SafeLoader):
    """Builds values from nodes, and stops where merge keys would copy for minutes."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._merged = 0
        self._built: dict[int, tuple[Any, Any] | None] = {}  # by the id of a node; None: at work

    def build(self, node: yaml.Node) -> tuple[Any, Any]:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node), None if node.tag == _NULL else node.value
        if id(node) not in self._built:
            self._built[id(node)] = None
            self._built[id(node)] = self._collection(node)
        built = self._built[id(node)]
        if built is None:
            raise ValueError("an alias (*) stands for a value that it is part of")
        return built

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == _NULL:
            return None
        if node.tag in _TYPED and len(node.value) <= _MAX_NUMBER:
            try:
                return self.yaml_constructors[node.tag](self, node)
            except (AttributeError, LookupError, ValueError):
                pass  # the 99th of a month, `!!int ten`
        return node.value

    def _collection(self, node: yaml.Node) -> tuple[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            items = [self.build(item) for item in node.value]
            return [value for value, _ in items], [spelled for _, spelled in items]
        self.flatten_mapping(node)
        values: dict[str, Any] = {}
        spellings: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be text, not a list or a mapping", key.start_mark
                )
            values[key.value], spellings[key.value] = self.build(item)
        return values, spellings

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self._merged += len(node.value)
        if self._merged > MAX_MERGED:
            raise ValueError(f"its merge keys (<<) copy more than {MAX_MERGED:,} values")


def _check_length(value: Any) -> int:
    """Return how many characters a value has, each value counted as one more, unless too many."""
    if not isinstance(value, (list, dict)):
        return 1 + len(value) if isinstance(value, str) else 1
    total = 1 + sum(map(len, value)) if isinstance(value, dict) else 1
    for item in value.values() if isinstance(value, dict) else value:
        total += _check_length(item)
        if total > MAX_REPEATED:
            raise ValueError(f"its aliases (*) repeat more than {MAX_REPEATED:,} characters")
    return total
