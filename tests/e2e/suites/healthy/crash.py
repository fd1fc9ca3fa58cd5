"""A plug-in that makes pytest fail inside."""


def pytest_runtest_protocol(item):
    raise RuntimeError("a plug-in failed")
