"""The preload library: it is not seen, it changes nothing, and it tells of each way of making a process.

Programs run plain and under --mode=preload and must say the same; what is told is shown by the helper `hearing`.
"""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 120  # seconds, for a busy machine
ENV = {name: value for name, value in os.environ.items() if not re.match("TRACEWRAP|PYTEST|ASAN|LSAN|LD_|PYTHON", name)} | {"LC_ALL": "C.UTF-8"}
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


def seen(words, env=ENV, **how):
    """What a run shows."""
    done = subprocess.run([str(word) for word in words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
                          check=False, **how)
    return done.returncode, done.stdout, done.stderr


def alike(seen):
    return seen[0], *(re.sub(r"0x[0-9a-f]+|==\d+==|\bpid \d+|(?<=@)[0-9a-f]{5}\b", "X", text) for text in seen[1:])


@pytest.fixture
def same(tracewrap):
    """Run it plain and watched; what it shows, when that is the same."""
    def run(words, env=ENV, **how):
        plain = alike(seen(words, env, **how))
        assert alike(seen([tracewrap, "--mode=preload", *words], env, **how)) == plain
        return plain
    return run


Event = collections.namedtuple("Event", "kind pid tid child fd error status value_ns interval_ns socket_type token id parent text")


def events_of(text):
    events = []
    for line in text.splitlines():
        if line.startswith("lost "):
            assert line == "lost 0"
            continue
        head, _, words = line.partition("|")
        kind, *numbers = head.split()
        events.append(Event(kind, *map(int, numbers), words))
    return events


@pytest.fixture
def heard(helpers, tmp_path):
    """Run it with the library; (code, stdout, stderr), and what was told."""
    def run(words, env=ENV, **how):
        file = tmp_path / "events"
        result = seen([helpers / "hearing", file, *words], env, **how)
        return result, events_of(file.read_text())
    return run


def compiled(folder, name, source, *flags, compiler="gcc"):
    (folder / f"{name}.c").write_text(source)
    done = subprocess.run([compiler, "-O1", "-D_GNU_SOURCE", "-o", folder / name, folder / f"{name}.c", *flags], capture_output=True, text=True,
                          timeout=LIMIT, check=False)
    if done.returncode:
        pytest.skip(f"{compiler} {' '.join(flags)} does not work here: {done.stderr[-200:]}")
    return folder / name


# It is not seen ---------------------------------------------------------------------------------------------------------

PRINTS = {
    "python3": "import os; print(dict(os.environ)); print(open('/proc/self/environ', 'rb').read().rstrip(b'\\0'))",
    "perl": 'print map {"$_=$ENV{$_}\\n"} sort keys %ENV; open(F, "/proc/self/environ"); $_ = <F>; s/\\0+$//; print',
    "node": "console.log(process.env, require('fs').readFileSync('/proc/self/environ', 'latin1').replace(/\\0+$/, ''))",
}


@pytest.mark.parametrize("program", ["python3", "perl", "node"])
@pytest.mark.parametrize("env", [ENV, {}, {"A": "b"}], ids=["full", "empty", "one"])
def test_environment_of_programs(program, env, same):
    path = shutil.which(program)
    if not path:
        pytest.skip(f"no {program} here")
    assert same([path, "-c" if program == "python3" else "-e", PRINTS[program]], env)[0] == 0


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "zsh", "busybox"])
def test_environment_in_shells(shell, same):
    path = shutil.which(shell)
    if not path:
        pytest.skip(f"no {shell} here")
    words = [path, "sh"] if shell == "busybox" else [path]
    script = "/usr/bin/env; tr -s '\\0' '\\n' </proc/self/environ; set | grep -E 'TRW|LD_|ASAN'; /usr/bin/env -i /usr/bin/env; A=b /usr/bin/env -u PATH /usr/bin/env"
    if shell == "busybox":  # static: it can't hide them, but its children do
        script = "/usr/bin/env -i /usr/bin/env"
    assert same([*words, "-c", script])[2] == ""


OWN = {"none": {}, "preload": {"LD_PRELOAD": "{own}"}, "asan": {"ASAN_OPTIONS": "verbosity=0"}, "empty": {"LD_PRELOAD": "", "ASAN_OPTIONS": ""},
       "both": {"ASAN_OPTIONS": "a=1:b=2", "LD_PRELOAD": "{own}:{own}:"}}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A library of the user's own that changes what gethostid(3) says."""
    return compiled(tmp_path_factory.mktemp("own"), "own.so", "long gethostid(void) { return 4711; }", "-shared", "-fPIC")


@pytest.mark.parametrize("theirs", OWN)
@pytest.mark.parametrize("count", range(7))
def test_what_lies_around(theirs, count, same, helpers, own):
    """The strings, their block, and the auxiliary vector: of the command, of its child, and of a child with an environment of its own."""
    env = {f"V{i}": "x" * i for i in range(count)} | {name: value.format(own=own) for name, value in OWN[theirs].items()}
    code, out, err = same([helpers / "around"], env)
    assert (code, err) == (0, "") and "TRW" not in out
    same(["/bin/sh", "-c", f"{helpers / 'around'}; exec {helpers / 'around'}"], env)
    same(["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in env.items()), helpers / "around"])


def test_users_library_works(same, own):
    env = ENV | {"LD_PRELOAD": str(own)}
    assert same(["sh", "-c", "hostid"], env)[1].strip() == "00001267"
    assert same([sys.executable, "-c", "import os; os.system('hostid'); print(os.environ['LD_PRELOAD'])"], env)[1].split() == ["00001267", str(own)]


def test_ldd(same):
    assert "libc.so" in same(["ldd", "/bin/true"])[1]
    same(["sh", "-c", "LD_TRACE_LOADED_OBJECTS=1 /bin/true"])


def test_no_descriptor_stays(same):
    same(["sh", "-c", "ls -l /proc/self/fd | sed 's/.*[0-9] -> /-> /; s/:.*//; s,/[0-9]*/fd,/X/fd,'"])


def test_library_itself(tracewrap):
    """What it exports, and what it wants of others: nothing that some C library could lack."""
    library = Path(tracewrap).parent / "preload" / "libtracewrap.so"
    dynamic = subprocess.check_output(["readelf", "-Wd", library], text=True)
    symbols = [line.split() for line in subprocess.check_output(["readelf", "-W", "--dyn-syms", library], text=True).splitlines()]
    symbols = [(words[7], words[6], words[4]) for words in symbols if len(words) == 8 and words[0].rstrip(":").isdigit()]
    assert "NEEDED" not in dynamic and "VERNEED" not in dynamic and "RPATH" not in dynamic and "TEXTREL" not in dynamic
    wanted = {(name, bind) for name, where, bind in symbols if where == "UND"}
    assert wanted == {("environ", "GLOBAL"), ("__errno_location", "GLOBAL"), ("dl_iterate_phdr", "WEAK"), ("gnu_get_libc_version", "WEAK")}
    assert {name for name, where, _ in symbols if where != "UND"} == set(
        "trw_shim_is_here fork _Fork forkpty daemon execve execv execvpe execvp fexecve execveat execl execlp execle posix_spawn posix_spawnp "
        "system popen pclose fclose bind listen setitimer alarm ualarm timer_create prctl setenv putenv unsetenv clearenv exit _exit _Exit "
        "quick_exit syscall".split())


# It changes nothing -----------------------------------------------------------------------------------------------------

def test_refused_calls(same, helpers):
    code, out, _ = same([helpers / "badcalls"])
    assert code == 0 and out.count("\n") > 70


CLOSES = """
import os, subprocess, sys
os.closerange(3, 5000)
print(subprocess.run(["echo", "a"], close_fds=True, capture_output=True).stdout)
os.close(0); os.close(1)
r, w = os.pipe()
print(r, w, subprocess.run(["sh", "-c", "exit 7"]).returncode, file=sys.stderr)
"""
HANDLER = """
import os, signal, socket, time
def bind(*_):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
signal.signal(signal.SIGALRM, bind)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for i in range(200):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
    os.environ["PYTEST_CURRENT_TEST"] = str(i)
    if i % 50 == 0:
        assert os.system("exit 3") == 3 << 8
signal.setitimer(signal.ITIMER_REAL, 0)
print("done")
"""
POOLS = """
import multiprocessing as m, sys
def double(x):
    return 2 * x
if __name__ == "__main__":
    for way in ("fork", "spawn", "forkserver"):
        with m.get_context(way).Pool(2) as pool:
            print(way, pool.map(double, range(4)))
"""
THREADS = """
import subprocess, threading
codes = []
def some():
    for i in range(10):
        codes.append(subprocess.run(["sh", "-c", f"exit {i}"]).returncode)
threads = [threading.Thread(target=some) for _ in range(6)]
for t in threads: t.start()
for t in threads: t.join()
print(sorted(codes))
"""


@pytest.mark.parametrize("source", [CLOSES, HANDLER, POOLS, THREADS], ids=["closes", "handler", "pools", "threads"])
def test_python(source, same, tmp_path):
    (tmp_path / "main.py").write_text(source)
    assert same([sys.executable, tmp_path / "main.py"])[0] == 0


SETENV = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *set(void *name) { char v[9]; for (int i = 0; i < 20000; i++) { sprintf(v, "%d", i); setenv(name, v, 1); if (i % 7 == 0) unsetenv(name); setenv(name, v, 1); } return 0; }
int main(void) {
    char *names[] = {"PYTEST_CURRENT_TEST", "B", "C", "D"};
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, set, names[i]);
    for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
    for (int i = 0; i < 4; i++) puts(getenv(names[i]));
}
"""


def test_setenv_in_threads(same, tmp_path):
    assert same([compiled(tmp_path, "sets", SETENV, "-pthread")])[1] == "19999\n" * 4


def test_sanitizers(same, tmp_path):
    leaks = compiled(tmp_path, "leaks", "#include <stdlib.h>\n#include <unistd.h>\nint main(void) { return write(1, \"runs\\n\", 5) < 0 || !malloc(77); }", "-fsanitize=address")
    code, out, err = same([leaks])
    assert code and out == "runs\n" and "77 byte(s) leaked" in err
    assert same(["sh", "-c", leaks])[:2] == (code, out)
    assert same([leaks], ENV | {"ASAN_OPTIONS": "detect_leaks=0"}) == (0, "runs\n", "")


CHILD = "#include <stdlib.h>\n#include <stdio.h>\n#include <unistd.h>\n#include <sys/wait.h>\nint main(void) { int s; if (!fork()) execl(\"/bin/echo\", \"echo\", \"child\", NULL); wait(&s); puts(\"parent\"); return s; }"


def test_static_program(same, heard, tmp_path):
    """It can't be entered; its children that are dynamic are, by the variables that it passes on unknowingly."""
    program = compiled(tmp_path, "static", CHILD, "-static")
    assert same([program]) == (0, "child\nparent\n", "")
    (code, _, _), events = heard(["sh", "-c", f"{program}; true"])
    assert code == 0 and "/bin/echo" in [e.text for e in events if e.kind == "start"]
    assert str(program) not in [e.text for e in events if e.kind == "start"]


def test_the_report_says_who_was_not_heard(tracewrap, tmp_path):
    program = compiled(tmp_path, "static", CHILD, "-static")
    report = tmp_path / "report.json"
    done = subprocess.run([tracewrap, "-v", "--mode=preload", "--report-json", report, "sh", "-c", f"{program}; true"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    heard = {Path(row["cmdline"][0]).name: row["heard"] for row in json.loads(report.read_text())["processes"]}
    assert done.returncode == 0 and (heard["sh"], heard["static"], heard["echo"]) == (True, False, True)
    assert "not heard" in done.stderr and str(program) in done.stderr


def test_32_bit_program(same, tmp_path):
    program = compiled(tmp_path, "small", CHILD, "-m32")
    assert same([program])[0] == 0
    assert same(["sh", "-c", f"{program}; exec {program}"]) == (0, "child\nparent\n" * 2, "")


def test_musl_program(same, heard, tmp_path):
    program = compiled(tmp_path, "musl", CHILD, compiler="musl-gcc")
    assert same(["sh", "-c", f"{program}; true"]) == (0, "child\nparent\n", "")
    (code, _, _), events = heard(["sh", "-c", f"{program}; true"])
    assert code == 0 and {"/bin/echo", str(program)} <= {e.text for e in events if e.kind == "start"}


GO = """
package main
import ("fmt"; "net"; "os"; "os/exec")
func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(l != nil, err, len(os.Environ()))
	out, err := exec.Command("sh", "-c", "echo child").Output()
	fmt.Println(string(out), err)
}
"""


@pytest.mark.parametrize("cgo", ["0", "1"])
def test_go_program(cgo, same, tmp_path):
    go = shutil.which("go", path=ENV["PATH"] + ":/usr/local/go/bin")
    if not go:
        pytest.skip("no Go here")
    (tmp_path / "main.go").write_text(GO)
    done = seen([go, "build", "-o", tmp_path / "prog", tmp_path / "main.go"], ENV | {"CGO_ENABLED": cgo, "GOFLAGS": "-mod=mod"}, cwd=tmp_path)
    if done[0]:
        pytest.skip(f"no such Go program can be built here: {done[2][-200:]}")
    if cgo == "1":
        assert "child" in same([tmp_path / "prog"])[1]
    assert same(["sh", "-c", f"{tmp_path / 'prog'} | tail -n 2"])[0] == 0


@as_root
@pytest.mark.parametrize("words", [["su", "nobody", "-s", "/bin/sh", "-c", "env; true"], ["unshare", "-Ur", "env"], ["unshare", "-n", "env"],
                                   ["unshare", "-fp", "--mount-proc", "sh", "-c", "echo $$; env; sh -c true"],
                                   ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && sh -c 'true; echo done'"],
                                   ["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", "env; true"]], ids=lambda words: " ".join(words[:2]))
def test_other_users_and_spaces(words, same):
    """Where the library can't be read, or means nothing, the loader has nothing to say."""
    if not shutil.which(words[0]) or seen(words)[0]:
        pytest.skip(f"{words[0]} does not work here")
    assert same(words)[2] == ""


@as_root
def test_privileged_program_of_a_plain_user(same, tmp_path):
    tmp_path.chmod(0o755)
    folder = Path("/var/tmp") / f"shim-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        program = folder / "id"
        shutil.copy("/usr/bin/id", program)
        program.chmod(0o4755)
        for words in ([program, "-u"], ["sh", "-c", f"{program} -u; true"]):
            code, out, err = same(words, user=NOBODY, group=NOBODY, extra_groups=[])
            assert (code, out, err) == (0, "0\n", "")
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("value", ["", ":", "nonsense", "/x:/y", "/x:/y:zz", "/proc/self/fd/999:/proc/self/fd/999:1", f"/{'x' * 200}:/y:1", "{other}:{library}:-"])
def test_broken_channel(value, tracewrap, tmp_path):
    """Whatever stands in our variable: the program runs as it would, and nobody complains."""
    library = tmp_path / "libtracewrap.so"
    shutil.copy(Path(tracewrap).parent / "preload" / "libtracewrap.so", library)
    other = tmp_path / "events"  # of another version
    other.write_bytes(b"trwwire1"[::-1] + b"\xff" * 120 + bytes(128 * (1 << 15)))
    env = ENV | {"LD_PRELOAD": str(library), "TRW_SHIM": value.format(other=other, library=library)}
    assert seen(["sh", "-c", "sh -c 'echo a'; exit 3"], env) == (3, "a\n", "")
    assert other.read_bytes()[8:136] == b"\xff" * 120 + bytes(8)


def test_nested(tracewrap, tmp_path):
    inner = [tracewrap, "--mode=preload"]
    code, out, err = seen([tracewrap, "--mode=preload", *inner, "sh", "-c", "echo out; exit 5"])
    assert (code, out) == (5, "out\n")
    assert len(err.splitlines()) == 1 and "another tracewrap" in err
    assert seen([tracewrap, tracewrap, "sh", "-c", "env | grep -E 'TRW_|LD_PRELOAD'; exit 6"])[:2] == (6, "")


# It tells ----------------------------------------------------------------------------------------------------------------

IMAGES = {"execl": "/bin/true", "execlp": "true", "execle": "/bin/true", "execv": "/bin/true", "execvp": "true", "execve": "/bin/true",
          "execve-empty": "/bin/true", "execve-null": "/bin/true", "execvpe": "true", "execveat": "true"}


@pytest.mark.parametrize("way", [*IMAGES, "fexecve", "execveat-fd"])
def test_each_exec_is_told(way, heard, helpers):
    (code, out, err), events = heard([helpers / "making", way])
    assert (code, err) == (0, "")
    pid = int(out)
    mine = [e for e in events if e.pid == pid]
    assert [e.kind for e in mine] == ["start", "exec", "start", "exit"]
    assert mine[1].text == IMAGES.get(way, os.path.realpath("/bin/true"))
    assert mine[2].token == mine[1].id and mine[2].parent == mine[1].parent


@pytest.mark.parametrize("way", ["posix_spawn", "posix_spawnp", "vfork", "fork", "fork-_exit", "forkpty"])
def test_each_child_is_told(way, heard, helpers):
    (code, out, err), events = heard([helpers / "making", way])
    assert (code, err) == (0, "")
    child, parent = int(out), events[1].pid
    if way.startswith("posix"):
        begun = next(e for e in events if e.kind == "spawn")
        assert begun.pid == parent
        assert [e.child for e in events if e.kind == "spawned" and e.token == begun.id] == [child]
        assert [e.token for e in events if e.kind == "start" and e.pid == child] == [begun.id]
    elif way == "vfork":
        assert [(e.kind, e.parent) for e in events if e.pid == child] == [("exec", parent), ("start", parent), ("exit", 0)]
    else:  # both sides
        assert sorted(e.tid for e in events if e.kind == "fork" and (e.pid, e.child) == (parent, child)) == sorted([parent, child])
        assert 0 in [e.status for e in events if e.kind == "exit" and e.pid == child]


def test_daemon_is_told(heard, helpers):
    (code, out, _), events = heard([helpers / "making", "daemon"])
    assert code == 0
    assert [(e.kind, e.pid == int(out), e.tid == e.child) for e in events if e.kind == "fork"] == [("fork", True, True)]


@pytest.mark.parametrize("way,shells", [("system", 2), ("popen", 2), ("threads", 8)])
def test_shells_are_told_and_their_children(way, shells, heard, helpers):
    (code, _, err), events = heard([helpers / "making", way])
    assert (code, err) == (0, "")
    begun = [e for e in events if e.kind == "spawn" and e.text == "/bin/sh"]
    assert len(begun) == shells
    started = {e.token: e.pid for e in events if e.kind == "start"}
    told = {e.token: e.child for e in events if e.kind == "spawned"}
    assert all(started[e.id] == told[e.id] for e in begun)
    assert {e.parent for e in events if e.kind == "start" and e.text == "/bin/true"} <= set(told.values()) | {begun[0].pid}
    assert "/bin/true" in [e.text for e in events if e.kind == "start"]


@as_root
def test_another_pid_namespace_is_silent(heard, helpers):
    """Its numbers mean others here: whoever is in it, however it was made, tells nothing."""
    (code, out, err), events = heard([helpers / "making", "other-space"])
    if code and "clone" in err:
        pytest.skip(err)
    assert (code, err) == (0, "")
    assert {e.pid for e in events[1:]} == {events[1].pid} and [e.kind for e in events] == ["exec", "start", "exit"]


@pytest.mark.parametrize("count", [0, 1500, 6000])
def test_large_environment_on_a_small_stack(count, heard, helpers):
    env = {"PATH": ENV["PATH"]} | {f"V{i}": "x" for i in range(count)}
    (code, _, err), events = heard([helpers / "making", "narrow"], env)
    assert (code, err) == (0, "")
    assert len([e for e in events if e.kind == "start" and e.text == "/bin/sh" and e.token > 0]) == 4


def test_failures_are_told(heard, helpers):
    (code, _, _), events = heard([helpers / "badcalls"])
    assert code == 0
    execs = {e.id for e in events if e.kind == "exec" and e.pid == events[1].pid}
    failed = [e for e in events if e.kind == "exec-failed"]
    assert execs == {e.token for e in failed} and len(failed) >= 12 and all(e.error for e in failed)
    assert {e.child for e in events if e.kind == "spawned" and e.pid == events[1].pid} != {0}
    # set, though the call fails: only the old value could not be told
    assert [round(e.value_ns / 1e9) for e in events if e.kind == "alarm"] == [500, 0, 100, 0, 0]
    assert [e.text for e in events if e.kind == "test"] == ["a (call)", "a (call)", ""]


BINDS = """
import os, socket
os.chdir("/tmp")
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1])
t = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); t.bind(("::1", 0)); print(t.getsockname()[1])
try:
    socket.socket().bind(s.getsockname())
except OSError as e:
    print(e.errno)
path = f"shim-{os.getpid()}.sock"
u = socket.socket(socket.AF_UNIX); u.bind(path); u.listen(); os.unlink(path); print(path)
v = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); v.bind("\\0abstract-" + path)
"""


def test_binds_are_told(heard):
    (code, out, err), events = heard([sys.executable, "-c", BINDS])
    assert (code, err) == (0, "")
    port, other, error, path = out.split()
    assert [(e.kind, e.text, e.error, e.socket_type) for e in events if e.kind in ("bind", "listen")] == [
        ("bind", f"127.0.0.1:{port}", 0, 1), ("listen", f"127.0.0.1:{port}", 0, 1), ("bind", f"[::1]:{other}", 0, 2),
        ("bind", f"127.0.0.1:{port}", int(error), 1), ("bind", f"/tmp/{path}", 0, 1), ("listen", f"/tmp/{path}", 0, 1), ("bind", f"@abstract-{path}", 0, 2)]


def test_a_signal_ends_nothing_untold(heard):
    (code, _, _), events = heard(["sh", "-c", "kill -9 $$"])
    assert code == 128 + signal.SIGKILL and [e.kind for e in events] == ["exec", "start"]
