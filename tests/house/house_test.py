"""Each house rule catches a breach of it, and lets the right thing pass."""

import pathlib
import tempfile
import textwrap
import unittest

import check
import shape

UNFINISHED = "TO" + "DO"


class HouseTest(unittest.TestCase):
    def found(self, **files):
        """(rule, path) of what the rules say of a tree; keys are paths with __ for /."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                file = pathlib.Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(textwrap.dedent(text))
            return [(finding.rule, finding.path) for finding in check.findings(root)]

    def assert_caught(self, rule, path, text, **others):
        self.assertIn((rule, path), self.found(**{path: text}, **others))

    def assert_clean(self, path, text, **others):
        self.assertEqual([], self.found(**{path: text}, **others))

    # ---- conformance ----------------------------------------------------------------------------

    def test_the_page_of_rows_is_that_of_the_tests(self):
        tests = {"tests/unit/a/a_test.py": "def test_row_3_waits(): pass\n"}
        found = self.found(**{"docs/conformance.md": "", **tests})
        self.assertIn(("conformance", "docs/conformance.md"), found)
        self.assert_caught("conformance", "tests/unit/a/a_test.py",
                           "def test_row_32_is_none(): pass\n", **{"docs/conformance.md": ""})

    # ---- layering -------------------------------------------------------------------------------

    def test_common_points_down_only(self):
        self.assert_caught("layering", "common/base/a.cc", '#include "common/model/task.h"\n')
        self.assert_caught("layering", "common/model/a.cc", '#include "common/wire/codec.h"\n')
        self.assert_caught("layering", "common/store/a.cc", '#include "common/net/socket.h"\n')
        self.assert_clean("common/net/a.cc", '#include "common/wire/codec.h"\n')

    def test_a_new_folder_of_common_must_be_placed(self):
        self.assert_caught("layering", "common/stuff/a.cc", "int a;\n")

    def test_common_knows_no_part(self):
        self.assert_caught("layering", "common/net/a.cc", '#include "worker/server/server.h"\n')

    def test_parts_do_not_know_one_another(self):
        for one, other in (("coordinator", "worker"), ("worker", "client"),
                           ("client", "coordinator")):
            self.assert_caught("layering", f"{one}/server/a.cc", f'#include "{other}/x/a.h"\n')
            self.assert_caught("layering", f"{one}/main.cc", f'#include "{other}/x/a.h"\n')
        self.assert_clean("worker/server/a.cc", '#include "worker/tasks/a.h"\n')

    def test_unit_tests_keep_to_their_part(self):
        self.assert_caught("layering", "tests/unit/worker/x/a.cc", '#include "client/x/a.h"\n')
        self.assert_clean("tests/unit/worker/x/a.cc", '#include "worker/x/a.h"\n')

    def test_includes_are_from_the_root(self):
        self.assert_caught("layering", "worker/x/a.cc", '#include "a.h"\n')

    def test_commented_includes_do_not_count(self):
        self.assert_clean("worker/x/a.cc", '// #include "client/x/a.h"\n/*\n#include "a.h"\n*/\n')

    def test_pure_decisions_stand_on_base_and_model_alone(self):
        path = "coordinator/scheduling/a.cc"
        self.assert_caught("layering", path, '#include "coordinator/server/a.h"\n')
        self.assert_caught("layering", path, '#include "common/wire/messages.h"\n')
        for header in ("<thread>", "<mutex>", "<random>", "<sys/stat.h>", "<ctime>",
                       '"common/base/log.h"'):
            self.assert_caught("pure", path, f"#include {header}\n")
        self.assert_caught("pure", path, "auto t = Clock::now();\n")
        self.assert_clean(path, '#include <vector>\n#include "common/model/task.h"\n')

    def test_decisions_stand_on_one_another_one_way(self):
        self.assert_clean("coordinator/pools/a.cc", '#include "coordinator/scheduling/types.h"\n')
        self.assert_caught("layering", "coordinator/scheduling/a.cc",
                           '#include "coordinator/pools/core.h"\n')
        self.assert_caught("layering", "coordinator/pools/a.cc",
                           '#include "coordinator/server/server.h"\n')

    def test_decisions_ask_the_world_through_named_interfaces_only(self):
        inputs = {"client/inputs/CMakeLists.txt": "kiln_library()\n"}
        self.assert_clean("client/arguments/a.cc", '#include "client/inputs/file_system.h"\n')
        self.assert_caught("layering", "client/arguments/a.cc",
                           '#include "client/inputs/tree_builder.h"\n')
        self.assert_clean("client/arguments/CMakeLists.txt",
                          "kiln_library(PUBLIC client_inputs)\n", **inputs)
        self.assert_caught("layering", "client/policy/CMakeLists.txt",
                           "kiln_library(PUBLIC client_inputs)\n", **inputs)

    def test_each_library_has_one_owner(self):
        self.assert_caught("layering", "worker/server/a.cc", "#include <zmq.h>\n")
        self.assert_caught("layering", "worker/server/a.cc", "#include <zmq.hpp>\n")
        self.assert_caught("layering", "common/net/a.cc", "#include <msgpack.hpp>\n")
        self.assert_caught("layering", "coordinator/x/a.cc", "#include <prometheus/gauge.h>\n")
        self.assert_caught("layering", "coordinator/x/a.cc", "#include <civetweb.h>\n")
        self.assert_clean("common/net/a.cc", "#include <zmq.hpp>\n")

    def test_heavy_headers_stay_in_sources(self):
        self.assert_caught("heavy-header", "common/net/a.h", "#pragma once\n#include <zmq.h>\n")
        self.assert_caught("heavy-header", "client/x/a.h",
                           "#pragma once\n#include <nlohmann/json.hpp>\n")
        self.assert_clean("client/x/a.cc", "#include <nlohmann/json.hpp>\n")
        self.assert_clean("client/x/a.h", "#pragma once\n#include <nlohmann/json_fwd.hpp>\n")

    # ---- links ----------------------------------------------------------------------------------

    def test_targets_keep_the_layering(self):
        base = {"common/base/CMakeLists.txt": "kiln_library()\n",
                "common/net/CMakeLists.txt": "kiln_library(PUBLIC common_base)\n"}
        self.assert_caught("layering", "common/store/CMakeLists.txt",
                           "kiln_library(PUBLIC common_base\n PRIVATE common_net)\n", **base)
        self.assert_caught("layering", "coordinator/scheduling/CMakeLists.txt",
                           "kiln_library(PUBLIC common_net)\n", **base)
        self.assert_caught("layering", "worker/CMakeLists.txt",
                           "kiln_program(kiln-worker main.cc client_x)\n",
                           **{"client/x/CMakeLists.txt": "kiln_library()\n"})
        self.assert_caught("layering", "worker/x/CMakeLists.txt",
                           "kiln_library(PRIVATE PkgConfig::ZMQ)\n")
        self.assert_caught("layering", "tests/unit/common/wire/CMakeLists.txt",
                           "kiln_unit_test(civetweb::civetweb-cpp)\n")
        self.assert_clean("common/store/CMakeLists.txt",
                          "kiln_library(PUBLIC common_base) # not common_net\n", **base)

    def test_the_launcher_stays_light_through_others_too(self):
        others = {"client/x/CMakeLists.txt": "kiln_library(PRIVATE common_net)\n",
                  "common/net/CMakeLists.txt": "kiln_library()\n"}
        self.assert_caught("launcher", "client/CMakeLists.txt",
                           "kiln_program(kiln main.cc client_x)\n", **others)
        self.assert_caught("launcher", "client/CMakeLists.txt",
                           "kiln_static_program(kiln main.cc ARCHIVES client_x)\n", **others)
        self.assert_clean("client/CMakeLists.txt",
                          "kiln_program(kiln-agent main.cc client_x)\n", **others)

    # ---- shape ----------------------------------------------------------------------------------

    def test_long_files_lines_and_functions(self):
        self.assert_caught("file-length", "client/x/a.cc", "int a;\n" * 501)
        self.assert_clean("client/x/a.cc", "int a;\n" * 500)
        self.assert_caught("columns", "client/x/a.cc", "//" + "x" * 99 + "\n")
        self.assert_clean("client/x/a.cc", "//" + "x" * 98 + "\n")
        self.assert_caught("function-length", "client/x/a.cc",
                           "namespace k {\nint f() {\n" + "  a();\n" * 69 + "}\n}\n")
        self.assert_clean("client/x/a.cc",
                          "namespace k {\nint f() {\n" + "  a();\n" * 68 + "}\n}\n")
        self.assert_caught("function-length", "scripts/a.py",
                           "def f():\n" + "    a()\n" * 70)

    def test_function_parser_knows_functions_from_the_rest(self):
        text = textwrap.dedent("""\
            namespace a {
            struct S : T<int()> {
              S() : x_{1}, y_(2) {
                y();
              }
              int x_;
            };
            const std::map<int, int> kMap = {
                {1, f(2)},
            };
            template <typename T>
            bool is(T t) {
              auto g = [&](int x) { return x; };
              if (t) { return false; }
              return "}{" == '{';
            }
            }
            """)
        self.assertEqual([("S", 3, 5), ("is", 11, 16)],
                         [(n, a, b) for a, b, n in shape.cpp_functions(text) if b > a])

    def test_words(self):
        self.assert_caught("unfinished", "docs/a.md", f"{UNFINISHED}: more\n")
        self.assert_clean("client/x/a.cc", f'mkstemp("a{"X" * 6}");\n')
        self.assert_caught("machine-path", "scripts/a.sh", "cd /" + "work/main\n")
        self.assert_caught("machine-path", "docs/a.md", "see `/" + "root/x`\n")
        self.assert_clean("worker/x/a.cc", 'auto a = upper + "/work/";\nauto b = "a/root/x";\n')
        self.assert_caught("using-namespace", "client/x/a.cc", "using namespace std;\n")
        self.assert_clean("client/x/a.cc", "using namespace std::chrono_literals;\n")

    def test_headers_begin_with_pragma_once(self):
        self.assert_caught("pragma-once", "client/x/a.h", "int a;\n")
        self.assert_clean("client/x/a.h", "// Why.\n#pragma once\nint a;\n")

    # ---- tests ----------------------------------------------------------------------------------

    def test_tests_are_registered(self):
        self.assert_caught("registered", "tests/unit/client/x/a_test.cc", "int a;\n")
        self.assert_clean("tests/unit/client/x/a_test.cc", "int a;\n",
                          **{"tests/unit/client/x/CMakeLists.txt": "kiln_unit_test()\n"})
        self.assert_caught("registered", "tests/e2e/a_test.py", "a = 1\n",
                           **{"tests/e2e/CMakeLists.txt": "kiln_python_test(b_test)\n"})

    def test_every_folder_of_tests_is_a_tier(self):
        tiers = {"tests/CMakeLists.txt": "foreach(tier house e2e)\n"}
        listfile = "kiln_python_test(a_test)\n"
        self.assert_caught("registered", "tests/load/a_test.py", "a = 1\n",
                           **{"tests/load/CMakeLists.txt": listfile, **tiers})
        self.assert_caught("registered", "tests/load/CMakeLists.txt", listfile, **tiers)
        for folder in ("tests/e2e", "tests/unit/client/x"):
            self.assert_clean(f"{folder}/CMakeLists.txt", listfile, **tiers)
        self.assert_clean("tests/support/kilntest/a.py", "a = 1\n", **tiers)

    def test_tests_do_not_sleep_or_skip(self):
        listed = {"tests/e2e/CMakeLists.txt": "kiln_python_test(a_test)\n",
                  "tests/unit/client/x/CMakeLists.txt": "kiln_unit_test()\n"}
        self.assert_caught("sleep", "tests/e2e/a_test.py", "time.sleep(1)\n", **listed)
        self.assert_caught("skip", "tests/e2e/a_test.py", "self.skipTest('no')\n", **listed)
        for text in ("raise unittest.SkipTest('no')\n", "@unittest.expectedFailure\ndef f(): a()\n",
                     "@skip\ndef f(): a()\n", "from unittest import skipIf as s\ns()\n"):
            self.assert_caught("skip", "tests/e2e/a_test.py", text, **listed)
        for text in ("TEST(A, b) { GTEST_SKIP(); }\n", "TEST(A, DISABLED_b) {}\n"):
            self.assert_caught("skip", "tests/unit/client/x/a_test.cc", text, **listed)
        self.assert_clean("tests/unit/client/x/a_test.cc", "// GTEST_SKIP\n", **listed)
        self.assert_caught("sleep", "tests/unit/client/x/a_test.cc",
                           "void f() { std::this_thread::sleep_for(1s); }\n", **listed)
        self.assert_clean("tests/e2e/a_test.py", "run(['sleep', '60'])\n", **listed)


if __name__ == "__main__":
    unittest.main()
