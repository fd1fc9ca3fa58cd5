"""What is written is captured as ever."""
import os
import subprocess
import sys


def test_by_python(capsys):
    print("grüße")
    assert capsys.readouterr().out == "grüße\n"


def test_by_descriptor(capfd):
    os.write(1, b"one\n")
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('two')"], check=True)
    assert capfd.readouterr() == ("one\n", "two")


def test_streams_are_what_they_were():
    assert not os.isatty(2)
