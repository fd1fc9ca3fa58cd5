#!/usr/bin/env python3
"""Joins suites files of run-soak into one; a later file's suite takes the place of an earlier one of the same name.

    suites.py FILE... >JOINED
"""
import json
import sys


def joined(paths):
    document, suites = None, {}
    for path in paths:
        with open(path, encoding="utf-8") as f:
            one = json.load(f)
        document = document or one
        for key in ("pip", "defaults"):  # they hold for all suites of a file
            if one.get(key) != document.get(key):
                sys.exit(f"suites.py: {path} has another {key} than {paths[0]}")
        for s in one["suites"]:
            files = {name: text if isinstance(text, str) else "\n".join(text) + "\n" for name, text in s.get("files", {}).items()}
            suites[s["name"]] = {**s, "files": files}
    return {**document, "suites": list(suites.values())}


if __name__ == "__main__":
    json.dump(joined(sys.argv[1:]), sys.stdout, indent=1)
