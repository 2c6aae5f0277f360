"""Text that is changed by the rules of a language asks for a locale that servers have.

Images of servers have no locale of a language. ONNX Runtime asks for `en_US.UTF-8` where a node
names none; `C.UTF-8`, which every Linux has, changes letters by the same table of Unicode.
"""

from typing import Any

from modelctl.packaging.normalise import walking

_Proto = Any  # protobuf messages carry no types here

_EVERYWHERE = b"C.UTF-8"
_SAME = frozenset({b"", b"en_US", b"en_US.UTF-8", b"en_US.utf8"})


def apply(model: _Proto) -> list[str]:
    """Let each StringNormalizer of the default locale name the one that is everywhere."""
    changed = 0
    for node in walking.messages(model, "NodeProto"):
        if node.op_type != "StringNormalizer":
            continue
        named = next((each for each in node.attribute if each.name == "locale"), None)
        if named is None:
            named = node.attribute.add(name="locale", type=3, s=b"")  # AttributeProto.STRING
        if named.s in _SAME:
            named.s = _EVERYWHERE
            changed += 1
    return ["texts are changed by the locale C.UTF-8, which every server has"] * bool(changed)
