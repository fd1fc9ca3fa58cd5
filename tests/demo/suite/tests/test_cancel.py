import pytest


def cancel_two_actors(registry):
    for name in ("ana", "bob"):
        registry.spawn(name)
        assert registry.call(name, "start", tasks=400) == 400
    assert registry.stop() == 0


def test_cancel(registry):
    cancel_two_actors(registry)


@pytest.mark.parametrize("level", ["debug"])
def test_cancel_verbosely(registry, level):
    """The same, with the log turned up."""
    cancel_two_actors(registry)
