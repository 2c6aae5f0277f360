"""Arbitrary tensors of every datatype."""

from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from modelserver.tensor.datatypes import DATATYPES, Array

SHAPES = st.lists(st.integers(0, 5), max_size=3)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)


@st.composite
def tensors(draw: st.DrawFn, datatypes: tuple[str, ...]) -> dict[str, tuple[str, Array]]:
    """Up to three named tensors, each with its datatype."""
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    return {name: draw(tensor(datatypes)) for name in names}


@st.composite
def tensor(draw: st.DrawFn, datatypes: tuple[str, ...]) -> tuple[str, Array]:
    """A datatype and an array of it, with any bits that it may have."""
    name = draw(st.sampled_from(datatypes))
    shape = draw(SHAPES)
    count = prod(shape)
    array: Any
    if name == "BYTES":
        array = np.empty(count, dtype=object)
        array[:] = draw(st.lists(TEXTS, min_size=count, max_size=count))
    elif name == "BOOL":
        array = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)
    else:
        dtype = DATATYPES[name].dtype
        size = count * dtype.itemsize
        array = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype)
    return name, array.reshape(shape)
