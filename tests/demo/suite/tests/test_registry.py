def test_registry_starts_empty(registry):
    assert registry.names() == []


def test_spawned_actors_are_listed(registry):
    registry.spawn("bob")
    registry.spawn("ana")
    assert registry.names() == ["ana", "bob"]


def test_actor_answers(registry):
    registry.spawn("ana")
    assert registry.call("ana", "echo", text="hello") == "hello"
