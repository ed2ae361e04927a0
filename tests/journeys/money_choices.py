"""What the machine of money may choose from at each step."""

from __future__ import annotations

from hypothesis import strategies as st

picks = st.integers(0, 10_000)
amounts = st.one_of(st.sampled_from([1, 99, 100_00]), st.integers(1, 150_00))
next_steps = st.lists(
    st.tuples(
        st.sampled_from(["confirm", "confirm", "close", "refund", "refund", "told"]),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=6,
)
rarely = st.sampled_from([0, 0, 0, 1])
members = st.integers(0, 2)
shops = st.integers(0, 1)
