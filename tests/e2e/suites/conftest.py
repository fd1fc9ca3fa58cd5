"""The suites are run by the tests, in copies of their own; they are no tests of tracewrap."""
collect_ignore_glob = ["*"]
