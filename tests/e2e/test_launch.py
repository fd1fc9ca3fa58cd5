"""What the command sees of itself, and how it ends: as without tracewrap."""
import json
import os
import resource
import signal
import subprocess

import pytest

from conftest import alive, read, wait_for
from launching import MODE, PYTHON, WAYS, guardrun, is_guardrun, program, status_of

IDENTITY = r"""
import ctypes, json, os, resource, sys
libc = ctypes.CDLL(None)
number = ctypes.c_int()
def prctl(what):
    libc.prctl(what, ctypes.byref(number))
    return number.value
def link(fd):
    try:
        return os.readlink("/proc/self/fd/" + fd)
    except OSError:
        return None
status = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status"))
text = lambda name: open("/proc/self/" + name).read()
fds = {fd: link(fd) for fd in os.listdir("/proc/self/fd")}
seen = {key: status[key] for key in ("SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp", "Umask", "Groups", "CapEff", "Cpus_allowed_list")}
seen.update(
    env=dict(os.environ), cwd=os.getcwd(), argv=sys.argv, sid=os.getsid(0), pdeathsig=prctl(2), subreaper=prctl(37), dumpable=libc.prctl(3),
    fds={fd: to for fd, to in fds.items() if to and to != "/proc/%d/fd" % os.getpid()},
    nice=os.nice(0), oom=text("oom_score_adj"), slack=text("timerslack_ns"), personality=text("personality"), cgroup=text("cgroup"),
    core=text("coredump_filter"), scheduler=os.sched_getscheduler(0), leader=os.getpgrp() == os.getpid(),
    limits={n: resource.getrlimit(getattr(resource, n)) for n in dir(resource) if n.startswith("RLIMIT_")})
with open(sys.argv[1], "w") as out:
    json.dump(seen, out)
"""


def identity(way, tmp_path, **how):
    out = tmp_path / "identity"
    out.unlink(missing_ok=True)
    subprocess.run([*WAYS[way], *PYTHON, "-c", IDENTITY, str(out)], cwd=tmp_path, check=True, **how)
    return json.loads(out.read_text())


def differences(tmp_path, **how):
    plain, guarded = identity("plain", tmp_path, **how), identity("guarded", tmp_path, **how)
    if MODE in ("ptrace", "notify"):  # a filter can't be hidden (guest.md)
        assert (plain.pop("Seccomp"), guarded.pop("Seccomp")) == ("0", "2")
    return {key: (plain[key], guarded[key]) for key in plain if plain[key] != guarded[key]}


def ignore(sig):
    return lambda: signal.signal(sig, signal.SIG_IGN)


def odd_limits():
    resource.setrlimit(resource.RLIMIT_NOFILE, (777, 4000))
    os.umask(0o27)
    os.nice(3)
    with open("/proc/self/oom_score_adj", "w") as adjust:
        adjust.write("321")


BLOCKED = {signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD}


@pytest.mark.parametrize("how", [
    pytest.param({}, id="subprocess"),
    pytest.param({"restore_signals": False}, id="sigpipe-ignored"),
    pytest.param({"preexec_fn": ignore(signal.SIGCHLD)}, id="sigchld-ignored"),
    pytest.param({"preexec_fn": ignore(signal.SIGHUP)}, id="sighup-ignored"),
    pytest.param({"preexec_fn": ignore(signal.SIGSEGV)}, id="sigsegv-ignored"),
    pytest.param({"preexec_fn": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)}, id="three-blocked"),
    pytest.param({"preexec_fn": odd_limits}, id="limits-umask-nice-oom"),
    pytest.param({"preexec_fn": lambda: os.close(0)}, id="stdin-closed"),
    pytest.param({"preexec_fn": lambda: os.closerange(0, 3)}, id="three-closed"),
    pytest.param({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}, id="pipes"),
])
def test_identity(tmp_path, how):
    seen = differences(tmp_path, **how)
    if "stdout" in how:
        for fd in seen.get("fds", ({}, {})):  # two runs have two pairs of pipes
            fd.update({name: "pipe" for name, to in fd.items() if to.startswith("pipe:")})
        seen = {key: pair for key, pair in seen.items() if pair[0] != pair[1]}
    assert seen == {}


def test_identity_extra_descriptor(tmp_path):
    reader, writer = os.pipe()
    try:
        assert differences(tmp_path, pass_fds=[writer]) == {}
    finally:
        os.close(reader)
        os.close(writer)


def test_ignored_sigint_is_given_back(tmp_path):
    seen = differences(tmp_path, preexec_fn=ignore(signal.SIGINT))
    assert set(seen) == {"SigIgn", "SigCgt"}
    plain, guarded = (int(value, 16) for value in seen["SigIgn"])
    assert plain & ~guarded == 1 << (signal.SIGINT - 1)


def test_keep_sigint(tmp_path, monkeypatch):
    if is_guardrun():
        monkeypatch.setenv("GUARDRUN_KEEP_SIGINT", "1")
        keep = []
    else:
        keep = ["--keep-sigint"]
    monkeypatch.setitem(WAYS, "guarded", [program(), *keep])
    assert differences(tmp_path, preexec_fn=ignore(signal.SIGINT)) == {}


@pytest.mark.parametrize("how", [{"start_new_session": True}, {"preexec_fn": lambda: os.setpgid(0, 0)}], ids=["session", "group"])
def test_command_is_no_leader(tmp_path, how):
    seen = differences(tmp_path, **how)
    seen.pop("sid", None)  # two runs have two sessions
    assert seen == {"leader": (True, False)}


@pytest.mark.parametrize("code", [0, 1, 2, 5, 7, 120, 255])
def test_exit_code(tmp_path, code):
    command = ["sh", "-c", f"exit {code}"]
    assert status_of([program(), *command], cwd=tmp_path) == status_of(command, cwd=tmp_path) == code << 8


NO_DEATH = {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH}


@pytest.mark.parametrize("sig", [sig for sig in (*range(1, 32), 34, 35, 64) if sig not in NO_DEATH])
def test_death_by_signal(tmp_path, sig):
    script = f"import os, signal\ntry: signal.signal({sig}, 0)\nexcept OSError: pass\nos.kill(os.getpid(), {sig})"
    how = {"cwd": tmp_path, "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))}
    assert status_of([program(), *PYTHON, "-c", script], **how) == status_of([*PYTHON, "-c", script], **how) == sig


def test_only_the_command_leaves_a_core(tmp_path):
    if read("/proc/sys/kernel/core_pattern").strip() != "core":
        pytest.skip("cores go elsewhere here")
    statuses = {}
    for way, prefix in WAYS.items():
        folder = tmp_path / way
        folder.mkdir()
        how = {"cwd": folder, "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)}
        statuses[way] = status_of([*prefix, "sh", "-c", "kill -SEGV $$"], **how)
        assert len(list(folder.glob("core*"))) == 1
    assert statuses == {"plain": signal.SIGSEGV | 0x80, "guarded": signal.SIGSEGV}


@pytest.mark.parametrize("command, code, words", [
    ("no-such-program-anywhere", 127, "No such file or directory"),
    ("/etc", 126, "Permission denied"),
    ("/etc/passwd", 126, "Permission denied"),
])
def test_cannot_execute(tmp_path, command, code, words):
    run = subprocess.run([program(), command], cwd=tmp_path, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (code, "")
    assert command in run.stderr and words in run.stderr
    assert run.stderr.count("\n") == 1


def test_code_127_of_the_command_is_no_failure_to_execute(tmp_path):
    run = subprocess.run([program(), "sh", "-c", "exit 127"], cwd=tmp_path, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (127, "")


def test_own_code_instead_of_the_command(tmp_path):
    assert status_of([guardrun(), "sh", "-c", "kill -TERM $$"], env={**os.environ, "GUARDRUN_CODE": "122"}) == 122 << 8


def test_no_process_to_be_had(tmp_path):
    """A limit that fork fails at: a line, 125, nothing left. Near-miss: with room enough it runs."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become a user without processes")

    def limited(most):
        def prepare():
            resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
            os.setgroups([])
            os.setgid(54321)
            os.setuid(54321)
        return subprocess.run([f"/proc/self/fd/{binary}", "/bin/true"], capture_output=True, text=True, pass_fds=[binary], preexec_fn=prepare,
                              cwd="/")

    binary = os.open(guardrun(), os.O_RDONLY)  # that user may not walk to it
    try:
        for most in (1, 2, 3):
            run = limited(most)
            assert (run.returncode, run.stderr.count("\n")) == (125, 1) and "fork" in run.stderr
        assert (limited(20).returncode, limited(20).stderr) == (0, "")
    finally:
        os.close(binary)


def test_waits_like_a_parent(tmp_path):
    """Only its own children come to the command, not what its children leave."""
    script = ("import os, time\n"
              "for i in range(5):\n"
              "  if os.fork() == 0:\n"
              "    if os.fork() == 0: os._exit(9)\n"
              "    os._exit(3)\n"
              "got = []\n"
              "while True:\n"
              "  try: got.append(os.wait()[1] >> 8)\n"
              "  except ChildProcessError: break\n"
              "print(got)")
    for prefix in WAYS.values():
        assert subprocess.check_output([*prefix, *PYTHON, "-c", script], cwd=tmp_path, text=True) == "[3, 3, 3, 3, 3]\n"


@pytest.mark.parametrize("command, expected", [
    ("yes | WAY sh -c 'exec <&-; : > closed; cat fifo'", "closed"),
    ("WAY sh -c 'exec >&-; cat fifo' | { cat; : > ended; }", "ended"),
    ("WAY sh -c 'exec 9>&-; : > closed; cat fifo' 9> lock", "closed"),
])
def test_guards_hold_nothing(tmp_path, mark, marked_env, command, expected):
    """The command closes something and works on: the other side sees it at once, while it still runs."""
    os.mkfifo(tmp_path / "fifo")
    shell = subprocess.Popen(["bash", "-c", command.replace("WAY", program()).replace("cat fifo", "cat fifo > /dev/null")], cwd=tmp_path,
                             env=marked_env, stdout=subprocess.DEVNULL)
    wait_for((tmp_path / expected).exists)
    if "yes" in command:
        wait_for(lambda: not any(read(f"/proc/{pid}/comm") == "yes\n" for pid in alive(mark)), what="SIGPIPE of yes")
    if "lock" in command:
        subprocess.run(["flock", "-n", "lock", "true"], cwd=tmp_path, check=True)
    with open(tmp_path / "fifo", "w"):
        pass
    assert shell.wait(timeout=30) in (0, 141)


def test_stderr_stays_with_us(tmp_path):
    """All that the guards hold is standard error and a look at each other."""
    script = "for pid in $PPID $(ps -o ppid= -p $PPID); do ls -l /proc/$pid/fd | sed -n 's/.* -> //p'; done"
    listed = subprocess.check_output([program(), "sh", "-c", script], cwd=tmp_path, text=True, stderr=subprocess.DEVNULL,
                                     stdin=subprocess.PIPE).split("\n")
    assert not [target for target in listed if target.startswith("pipe:")]
    assert "/dev/null" in listed
