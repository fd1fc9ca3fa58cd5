"""test_empty_env of CPython's test_subprocess, which skips itself where libpython is a shared library: it could not be found without
LD_LIBRARY_PATH. Where it is found without, the test is as good as elsewhere."""
import sys
import sysconfig
import unittest

asked = sysconfig.get_config_var
sysconfig.get_config_var = lambda name: 0 if name == "Py_ENABLE_SHARED" else asked(name)
sys.argv = [sys.argv[0], "-v", "-k", "test_empty_env", "test.test_subprocess"]
unittest.main(module=None)
