"""What a contract and a graph say of one size, and whether they go together.

The model server and modelctl must both judge so: a release that one takes, the other serves.
"""

PROMISES = (
    # side, promised, found in the graph (-1: free), whether it is a promise that may be kept
    ("inputs", (-1, 3), (-1, 3), True),
    ("inputs", (1, 3), (-1, 3), True),
    ("inputs", (1, 3), (-1, -1), True),
    ("inputs", (-1, 3), (1, 3), False),
    ("inputs", (-1, -1), (-1, 3), False),
    ("inputs", (-1, 4), (-1, 3), False),
    ("inputs", (-1,), (-1, 3), False),
    ("inputs", (), (1,), False),
    ("outputs", (-1, 3), (-1, 3), True),
    ("outputs", (-1, 3), (1, 3), True),
    ("outputs", (-1, -1, -1, -1), (-1, 1, -1, -1), True),
    ("outputs", (-1, -1), (5, 3), True),
    ("outputs", (5, 3), (-1, 3), True),
    ("outputs", (5, 3), (5, -1), True),
    ("outputs", (-1, 4), (-1, 3), False),
    ("outputs", (2, 3), (1, 3), False),
    ("outputs", (-1,), (-1, 3), False),
    ("outputs", (-1, 3, 1), (-1, 3), False),
)
