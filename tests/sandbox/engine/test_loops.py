"""What sets itself off for ever is stopped, and said once."""

from __future__ import annotations

from sandbox.port.engine_loops import LoopGuard, caused_by, current_chain


def test_a_chain_may_name_an_automation_so_often() -> None:
    guard = LoopGuard(in_a_row=3)

    assert guard.look("a", "x", ("a", "b", "a"), 0.0) == (True, None)
    allowed, reason = guard.look("a", "x", ("a", "b", "a", "a"), 0.0)

    assert not allowed
    assert reason
    assert "3 times in a row" in reason


def test_one_entity_may_set_it_off_so_often_a_minute() -> None:
    guard = LoopGuard(per_window=5, window=60.0)
    for second in range(5):
        assert guard.look("a", "inc-1", (), float(second)) == (True, None)

    assert guard.look("a", "inc-2", (), 5.0) == (True, None)
    allowed, reason = guard.look("a", "inc-1", (), 5.0)
    assert not allowed
    assert reason is not None
    assert guard.look("a", "inc-1", (), 6.0) == (False, None)
    assert guard.look("a", "inc-1", (), 61.0) == (True, None)


def test_the_chain_is_known_inside_only() -> None:
    with caused_by(("a",)):
        assert current_chain() == ("a",)
    assert current_chain() == ()
