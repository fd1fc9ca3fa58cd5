"""--mode=ptrace and --mode=notify: what they hear, and the pitfalls of ptrace(2), each of which was a bug once.

The helper guardrun is the launch alone; it writes down each event.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import sys
import textwrap
from pathlib import Path

import pytest

from conftest import alive, gone, read, wait_for
from launching import PYTHON, guardrun, inner_of

KINDS = ["ptrace", "notify"]
TRACED = [*PYTHON, "-c"]


class Event:
    def __init__(self, line):
        head, _, self.words = line.partition("|")
        self.kind, *numbers = head.split(" ", 12)
        (self.source, self.pid, self.child, self.fd, self.error, self.status, self.value, self.interval, self.socket,
         self.exact) = map(int, numbers[:10])
        self.image, self.text = numbers[10], numbers[11]


class Runner:
    def __init__(self, folder, env, kind):
        self.file = folder / "events"
        self.folder, self.kind = folder, kind
        self.env = {**env, "TRACEWRAP_MODE": kind, "GUARDRUN_EVENTS": str(self.file), "GUARDRUN_CRASH": ""}

    def start(self, *command, **how):
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True, **how}
        return subprocess.Popen([guardrun(), *command], cwd=self.folder, env=self.env, **how)

    def run(self, *command, **how):
        with self.start(*command, **how) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def python(self, text):
        return self.run(*TRACED, textwrap.dedent(text))

    def events(self, kind=None):
        found = [Event(line) for line in read(self.file).splitlines()]
        return [ev for ev in found if kind in (None, ev.kind)]


@pytest.fixture(params=KINDS)
def both(request, tmp_path, marked_env):
    return Runner(tmp_path, marked_env, request.param)


@pytest.fixture
def traced(tmp_path, marked_env):
    return Runner(tmp_path, marked_env, "ptrace")


@pytest.fixture
def listened(tmp_path, marked_env):
    return Runner(tmp_path, marked_env, "notify")


def same_plain(run, *command):
    """The outcome is that of the command alone."""
    plain = subprocess.run(command, cwd=run.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert run.run(*command) == (plain.returncode, plain.stdout, plain.stderr)
    return plain


# ---- what is heard ----

def test_binds_and_alarms(both):
    code, out, err = both.python("""
        import os, signal, socket, threading
        tcp = socket.socket(); tcp.bind(("127.0.0.1", 0)); tcp.listen()
        local = socket.socket(socket.AF_UNIX); local.bind("name.sock")
        try:
            socket.socket().bind(tcp.getsockname())
        except OSError:
            pass
        six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        thread = threading.Thread(target=lambda: six.bind(("::1", 0))); thread.start(); thread.join()
        signal.setitimer(signal.ITIMER_REAL, 500, 20)
        signal.setitimer(signal.ITIMER_VIRTUAL, 500)
        signal.alarm(300)
        signal.alarm(0)
        print(tcp.getsockname()[1], six.getsockname()[1])
    """)
    assert (code, err) == (0, "")
    port, six_port = out.split()
    heard, known = both.kind == "ptrace", 98 if both.kind == "ptrace" else -1
    ok = 0 if heard else -1
    binds = [(ev.text, ev.error, ev.socket) for ev in both.events("bind")]
    assert binds == [(f"127.0.0.1:{port if heard else 0}", ok, 1), (f"{both.folder}/name.sock", ok, 1),
                     (f"127.0.0.1:{port}", known, 1), (f"[::1]:{six_port if heard else 0}", ok, 2)]
    assert [ev.text for ev in both.events("listen")] == [f"127.0.0.1:{port}"]
    assert [(ev.value, ev.interval) for ev in both.events("alarm")] == [(500 * 10**9, 20 * 10**9), (300 * 10**9, 0), (0, 0)]
    assert {ev.source for ev in both.events()} == {1 if heard else 2}
    assert len({ev.pid for ev in both.events("bind")}) == 1  # the process, for a thread's, too


def test_alarm_that_is_refused_is_none(both):
    both.python("""
        import ctypes
        libc = ctypes.CDLL(None)
        libc.setitimer(0, (ctypes.c_long * 4)(0, 0, 5, -1), None)
        libc.setitimer(0, ctypes.c_void_p(8), None)
    """)
    assert both.events("alarm") == []


def test_forks_execs_and_ends(traced):
    code, out, _ = traced.python("""
        import os, subprocess
        child = subprocess.Popen(["sh", "-c", "exit 3"]); child.wait()
        spawned = os.posix_spawn("/bin/true", ["true", "word"], {}); os.waitpid(spawned, 0)
        killed = subprocess.Popen(["sleep", "600"]); killed.kill(); killed.wait()
        print(os.getpid(), child.pid, spawned, killed.pid)
    """)
    command, *children = map(int, out.split())
    assert code == 0
    assert [(ev.pid, ev.child) for ev in traced.events("fork")] == [(command, child) for child in children]
    assert {ev.pid: ev.status for ev in traced.events("exit")} == {
        command: 0, children[0]: 3 << 8, children[1]: 0, children[2]: signal.SIGKILL}
    assert all(ev.exact for ev in traced.events("exit"))
    words = {ev.pid: ev.words.split() for ev in traced.events("exec")}
    assert words[children[0]] == ["sh", "-c", "exit", "3"] and words[children[1]] == ["true", "word"]
    assert all(int(ev.image, 16) > 0 for ev in traced.events("exec"))


def test_image_is_where_the_stack_begins(traced):
    """What stat has in field 28, by which an image is told from the one before."""
    _, out, _ = traced.python("""
        print(open("/proc/self/stat").read().rpartition(")")[2].split()[25])
    """)
    assert [int(ev.image, 16) for ev in traced.events("exec")][-1] == int(out)


def test_two_thousand_short_lived(traced):
    code, out, _ = traced.python("""
        import os
        for i in range(250):
            for _ in range(4):
                if not os.fork():
                    if os.fork():
                        os._exit(0)
                    os._exit(7)
            for _ in range(4):
                os.wait()
        print("done")
    """)
    assert (code, out) == (0, "done\n")
    forked = [ev.child for ev in traced.events("fork")]
    ended = [ev.pid for ev in traced.events("exit")]
    assert len(forked) == 2000 and len(ended) == 2001
    command = [ev.pid for ev in traced.events("exec")][-1]
    assert sorted([*forked, command]) == sorted(ended)


# ---- pitfalls ----

def test_threads_bind(both):
    """An untraced thread's call would fail with ENOSYS."""
    code, out, err = both.python("""
        import socket, threading
        def work():
            for _ in range(20):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", 0))
        threads = [threading.Thread(target=work) for _ in range(20)]
        [t.start() for t in threads]; [t.join() for t in threads]
        print("fine")
    """)
    assert (code, out, err) == (0, "fine\n", "")
    assert len(both.events("bind")) == 400


EXEC_BY_THREAD = """
import os, threading
threading.Thread(target=lambda: os.execvp("sh", ["sh", "-c", "echo $$; exit 5"])).start()
threading.Event().wait()
"""


def test_exec_by_another_thread(traced):
    code, out, _ = traced.run(*TRACED, EXEC_BY_THREAD)
    assert code == 5
    assert [(ev.pid, ev.status) for ev in traced.events("exit")] == [(int(out), 5 << 8)]
    assert traced.events("exec")[-1].words.split()[:2] == ["sh", "-c"]


STOPS = """
import os, signal, time
pid = os.fork()
if not pid:
    while True:
        signal.pause()
os.setpgid(pid, pid)    # a group with a parent outside of it: in one that has none SIGTSTP is ignored (setpgid(2), orphaned)
seen = []
for sig, flag in [(signal.SIGSTOP, os.WUNTRACED), (signal.SIGCONT, os.WCONTINUED), (signal.SIGTSTP, os.WUNTRACED),
                  (signal.SIGCONT, os.WCONTINUED), (signal.SIGSTOP, os.WUNTRACED), (signal.SIGKILL, 0)]:
    os.kill(pid, sig)
    status = os.waitpid(pid, flag)[1]
    seen.append((os.WIFSTOPPED(status) and os.WSTOPSIG(status), os.WIFCONTINUED(status), os.WIFSIGNALED(status) and os.WTERMSIG(status)))
print(seen)
"""


def test_parent_sees_stops_of_its_child(both):
    same_plain(both, *TRACED, STOPS)


SIGNALS = """
import os, signal
seen = []
numbers = [n for n in signal.valid_signals() - {9, 19} if n != signal.SIGCHLD]
for number in numbers:
    signal.signal(number, lambda n, _: seen.append(n))
for number in numbers:
    os.kill(os.getpid(), number)
print(sorted(seen) == sorted(numbers), signal.SIGTRAP in seen)
"""


def test_signals_are_passed_on(both):
    assert same_plain(both, *TRACED, SIGNALS).stdout == "True True\n"


@pytest.mark.parametrize("end", ["kill -TRAP $$", "kill -STOP $$ & sleep 0.1; exit 4", "kill -ABRT $$"])
def test_ends(both, end):
    if "STOP" in end:
        end = "(sleep 0.2; kill -CONT $$) & kill -STOP $$; exit 4"
    plain = subprocess.run(["sh", "-c", end], cwd=both.folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert both.run("sh", "-c", end)[0] == plain.returncode


def test_nested_tracers_fail_and_nobody_is_harmed(traced):
    code, out, _ = traced.run("sh", "-c", "strace -o /dev/null true 2>&1; echo $?; exit 6")
    assert code == 6 and re.search("(?s)not permitted.*1\n$", out)
    code, out, _ = traced.python("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        print(libc.ptrace(0, 0, 0, 0), ctypes.get_errno())
    """)
    assert (code, out) == (0, "-1 1\n")


def test_tracers_work_below_a_listener(listened):
    code, out, _ = listened.run("sh", "-c", "strace -f -o trace -e trace=execve sh -c 'exit 4'; echo $?")
    assert (code, out) == (0, "4\n") and "execve" in read(listened.folder / "trace")


def test_foreign_calls_are_allowed(both):
    """int 0x80 is a call of i386 (getpid is 20): libseccomp's default for it is to kill."""
    code, out, _ = both.python("""
        import ctypes, mmap, os
        code = mmap.mmap(-1, 4096, prot=7)
        code.write(bytes([0x53, 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x5b, 0xc3]))
        call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
        print(call() in (os.getpid(), -38))
    """)
    assert (code, out) == (0, "True\n")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("su"), reason="wants root, and a setuid program")
def test_setuid_programs_keep_their_privilege(both, request):
    folder = Path(tempfile.mkdtemp())
    request.addfinalizer(lambda: shutil.rmtree(folder))
    folder.chmod(0o755)
    tool = folder / "tool"
    shutil.copy("/usr/bin/id", tool)
    os.chown(tool, 0, 0)
    tool.chmod(0o4755)
    script = f"import os, subprocess; os.setgid(65534); os.setuid(65534); print(subprocess.check_output(['{tool}', '-u'], text=True))"
    code, out, _ = both.run(*["/usr/bin/python3", "-S", "-E"], "-c", script)
    assert (code, out.strip()) == (0, "0")


# ---- deaths ----

def test_tracer_dies_and_its_tree_with_it(traced, mark):
    with traced.start("sh", "-c", "setsid sleep 600 & sleep 601") as process:
        wait_for(lambda: len(alive(mark)) >= 5, what="the tree")
        os.kill(inner_of(process.pid), signal.SIGKILL)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 125
    assert err == "tracewrap: the supervisor was killed by SIGKILL; the command, which it traced, has ended with it\n"
    wait_for(lambda: not alive(mark), what="the end of all")


BINDS = """
import os, socket, sys, time
open("begun", "w").close()
for i in range(3000):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
    if i == 1000:
        while not os.path.exists("word"):
            time.sleep(0.001)
print("bound")
"""


@pytest.mark.parametrize("moment", range(6))
def test_listener_dies_and_binds_go_on(listened, mark, moment):
    """Also the call that it was about to answer, in whatever moment of it: the last rows kill in the midst of binds."""
    with listened.start(*TRACED, BINDS) as process:
        inner = inner_of(process.pid)
        wait_for((listened.folder / "begun").exists)
        if moment == 0:
            wait_for(lambda: len(listened.events("bind")) > 1000, what="the midst")
        os.kill(inner, signal.SIGKILL)
        wait_for(lambda: gone(inner))
        (listened.folder / "word").touch()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "bound\n")
    assert err == "tracewrap: the supervisor was killed by SIGKILL; the command runs on unsupervised\n"
    wait_for(lambda: not alive(mark), what="the end of all")


# ---- a stop that we keep shows `t`, and is a stop all the same ----

STOPPED = """
import os, signal, sys, time
child = os.fork()
if not child:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
if sys.argv[1:] == ["continued"]:
    if not os.fork():
        time.sleep(4)
        os.kill(child, signal.SIGCONT)
        os._exit(0)
os.waitpid(child, 0)
"""


def watch_stopped(traced, tracewrap, *words):
    report = traced.folder / "report.json"
    done = subprocess.run([tracewrap, "--mode=ptrace", f"--report-json={report}", f"--report={traced.folder}", "--timeout=25", sys.executable,
                           "-c", STOPPED, *words], cwd=traced.folder, env=traced.env, capture_output=True, text=True, timeout=60)
    return done, json.loads(report.read_text())


def test_stopped_child_is_a_hang(traced, tracewrap):
    done, report = watch_stopped(traced, tracewrap)
    assert done.returncode == 124
    assert [finding["kind"] for finding in report["findings"]] == ["stopped"]
    assert report["mode"] == "ptrace" and any("can dissolve a hang" in spot for spot in report["blind_spots"])


def test_child_that_is_continued_is_none(traced, tracewrap):
    """The near miss: somebody of the tree sleeps, and then continues it."""
    done, report = watch_stopped(traced, tracewrap, "continued")
    assert (done.returncode, done.stderr, report["findings"]) == (0, "", [])


# ---- impossible ----

def refused(run, prefix, mark):
    ran = run.folder / "ran"
    done = subprocess.run([*prefix, guardrun(), "touch", str(ran)], cwd=run.folder, env=run.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 125 and not ran.exists()
    wait_for(lambda: not alive(mark), what="the end of all")
    line = done.stderr.splitlines()
    assert len(line) == 1 and line[0].endswith("; --mode=preload and --mode=proc work without")
    return line[0]


def test_already_traced(traced, mark):
    line = refused(traced, ["strace", "-f", "-qq", "-o", "/dev/null"], mark)
    assert re.search(r"--mode=ptrace: the command is traced by strace\[\d+\] already", line)


@pytest.mark.parametrize("kind, call", [("ptrace", "ptrace"), ("ptrace", "seccomp"), ("notify", "seccomp")])
def test_forbidden(tmp_path, marked_env, mark, kind, call):
    forbid = str(Path(guardrun()).with_name("forbid"))
    line = refused(Runner(tmp_path, marked_env, kind), [forbid, call], mark)
    assert f"--mode={kind}: the system does not " in line and "Operation not permitted" in line


def test_listener_in_a_listener(listened, mark):
    code, _, err = listened.run(guardrun(), "true")
    assert code == 125 and "another program listens to our system calls already" in err


def test_tracer_in_a_tracer(traced, mark):
    code, _, err = traced.run(guardrun(), "true")
    assert code == 125 and "the command is traced by tw-tracer[" in err
