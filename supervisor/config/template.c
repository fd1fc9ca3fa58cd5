/* The tables that `config --init` writes. That of tractor has all that its developers' run-tests document states. */
#include <string.h>

#include "config/config.h"

static const char any[] =
	"\n[tool.tracewrap]\n"
	"# package = \"name\"                # what must import; default: project.name\n"
	"# venv    = \".venv\"               # or \"py{major}{minor}\"\n"
	"# ports   = [\"127.0.0.1:8000\"]    # must be free before a run, and again after it\n"
	"# sockets = [\"/tmp/name@*.sock\"]  # globs of unix sockets that runs leave behind\n"
	"leaks   = \"warn\"\n"
	"\n[tool.tracewrap.test]\n"
	"args    = [\"-x\", \"--tb=short\", \"--no-header\"]\n"
	"paths   = \"tests\"\n"
	"timeout = { all = \"600s\", file = \"120s\" }\n"
	"\n# [tool.tracewrap.test.sets]       # tracewrap test @core\n"
	"# core = [\"tests/test_this.py\", \"tests/test_that.py\"]\n"
	"\n# [[tool.tracewrap.flaky]]         # failures that come and go: marked in every report\n"
	"# test  = \"test_this.py::test_race\"\n"
	"# error = \"TimeoutError\"\n"
	"# note  = \"why\"\n"
	"\n# [tool.tracewrap.affected]        # changed path -> tests: tracewrap test --changed\n"
	"# \"src/name/parser/**\" = [\"tests/parser/\"]\n";

static const char tractor[] =
	"\n[tool.tracewrap]\n"
	"package = \"tractor\"\n"
	"venv    = \"py{major}{minor}\"\n"
	"ports   = [\"127.0.0.1:1616\"]\n"
	"sockets = [\"$XDG_RUNTIME_DIR/tractor/*.sock\", \"/tmp/registry@*.sock\"]\n"
	"leaks   = \"warn\"\n"
	"\n[tool.tracewrap.test]\n"
	"args    = [\"-x\", \"--tb=short\", \"--no-header\"]\n"
	"paths   = \"tests\"\n"
	"timeout = { all = \"600s\", file = \"120s\" }\n"
	"\n[tool.tracewrap.test.sets]\n"
	"core = [\"tests/test_local.py\", \"tests/test_rpc.py\", \"tests/test_spawning.py\", \"tests/discovery/test_registrar.py\"]\n"
	"\n[[tool.tracewrap.flaky]]\n"
	"test  = \"devx/test_debugger.py::test_multi_nested_subactors_error_through_nurseries\"\n"
	"error = \"TIMEOUT\"\n"
	"note  = \"timing of pexpect with the debugger\"\n"
	"\n[[tool.tracewrap.flaky]]\n"
	"test  = \"test_cancellation.py::test_cancel_via_SIGINT_other_task\"\n"
	"error = \"TooSlowError\"\n"
	"note  = \"signal handling race\"\n"
	"\n[[tool.tracewrap.flaky]]\n"
	"test  = \"test_inter_peer_cancellation.py::test_peer_spawns_and_cancels_service_subactor\"\n"
	"error = \"TooSlowError\"\n"
	"note  = \"async timing, both variants of the parameter\"\n"
	"\n[[tool.tracewrap.flaky]]\n"
	"test  = \"test_docs_examples.py::test_example[we_are_processes.py]\"\n"
	"error = \"assert None == 0\"\n"
	"note  = \"__main__ has no __file__ in a subprocess\"\n"
	"\n[tool.tracewrap.affected]\n"
	"\"tractor/runtime/{_runtime,_state}.py\"    = [\"tests/test_local.py\", \"tests/test_rpc.py\", \"tests/test_spawning.py\", \"tests/test_root_runtime.py\"]\n"
	"\"tractor/discovery/**\"                    = [\"tests/discovery/\", \"tests/test_multi_program.py\", \"tests/test_local.py\"]\n"
	"\"tractor/{_context,_streaming}.py\"        = [\"tests/test_context_stream_semantics.py\", \"tests/test_advanced_streaming.py\"]\n"
	"\"tractor/ipc/**\"                          = [\"tests/ipc/\", \"tests/test_2way.py\"]\n"
	"\"tractor/runtime/{_portal,_rpc}.py\"       = [\"tests/test_rpc.py\", \"tests/test_cancellation.py\"]\n"
	"\"tractor/spawn/**\"                        = [\"tests/test_spawning.py\", \"tests/test_multi_program.py\"]\n"
	"\"tractor/devx/debug/**\"                   = [\"tests/devx/test_debugger.py\"]\n"
	"\"tractor/to_asyncio.py\"                   = [\"tests/test_infected_asyncio.py\", \"tests/test_root_infect_asyncio.py\"]\n"
	"\"tractor/msg/**\"                          = [\"tests/msg/\"]\n"
	"\"tractor/_exceptions.py\"                  = [\"tests/test_remote_exc_relay.py\", \"tests/test_inter_peer_cancellation.py\"]\n"
	"\"tractor/runtime/_supervise.py\"           = [\"tests/test_cancellation.py\", \"tests/test_spawning.py\"]\n";

const char *config_template(const char *name)
{
	if (!*name)
		return any;
	return strcmp(name, "tractor") == 0 ? tractor : NULL;
}
