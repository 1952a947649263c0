"""Values in memory expire, and take a bounded amount of it."""

from __future__ import annotations

from services.router.values.memory_values import MemoryValues


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_value_is_kept_until_its_time_is_over() -> None:
    clock = Clock()
    values = MemoryValues(max_bytes=10_000, clock=clock)
    values.put("a", b"1", 10)
    clock.now_s = 9.9
    assert await values.get("a") == b"1"
    clock.now_s = 10
    assert await values.get("a") is None
    assert (len(values), values.size_bytes) == (0, 0)


async def test_a_new_value_replaces_the_old_one() -> None:
    values = MemoryValues(max_bytes=10_000)
    values.put("a", b"1" * 100, 10)
    before = values.size_bytes
    values.put("a", b"2" * 100, 10)
    assert values.size_bytes == before
    assert await values.get("a") == b"2" * 100


async def test_the_values_that_were_not_used_for_longest_leave_first() -> None:
    values = MemoryValues(max_bytes=4_000)
    for name in "abc":
        values.put(name, b"x" * 1_000, 10)
    await values.get("a")
    values.put("d", b"x" * 1_000, 10)
    assert [await values.get(name) is not None for name in "abcd"] == [True, False, True, True]
    assert values.size_bytes <= 4_000


async def test_a_value_that_is_too_large_leaves_the_others_alone() -> None:
    values = MemoryValues(max_bytes=4_000)
    values.put("a", b"x", 10)
    values.put("large", b"x" * 5_000, 10)
    assert await values.get("large") is None
    assert await values.get("a") == b"x"
