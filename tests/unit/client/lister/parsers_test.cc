#include <gtest/gtest.h>

#include "client/lister/files_mode.h"
#include "client/lister/make_rule.h"
#include "client/lister/search_path.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

TEST(MakeRuleTest, ReadsNamesOverSeveralLines) {
  EXPECT_EQ(*parse_dependencies("kiln: a.c \\\n /usr/b.h \\\n  c.h\n"),
            (Words{"a.c", "/usr/b.h", "c.h"}));
  EXPECT_EQ(*parse_dependencies("kiln: a.c"), (Words{"a.c"}));
}

TEST(MakeRuleTest, UndoesWhatCompilersDoForMake) {
  EXPECT_EQ(*parse_dependencies("kiln: a\\ b.c d$$e.h f\\#g.h h\\i.h j\\\\\\ k.h\n"),
            (Words{"a b.c", "d$e.h", "f#g.h", "h\\i.h", "j\\ k.h"}));
}

TEST(MakeRuleTest, RefusesAnythingElse) {
  for (const char* text : {"", "other: a.c\n", "kiln: a.c\nb.h\n", "error\nkiln: a.c\n"}) {
    EXPECT_EQ(parse_dependencies(text).error().code, Errc::corrupt) << text;
  }
}

TEST(SearchPathTest, ReadsBothLists) {
  const auto path = parse_search_path(
      "clang version 14\nSelected GCC installation: /usr/lib/gcc/12\n"
      "ignoring nonexistent directory \"/x\"\n"
      "#include \"...\" search starts here:\n q\n#include <...> search starts here:\n /a b\n"
      " /usr/include\nEnd of search list.\n rest\n");
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->quote, (Words{"q"}));
  EXPECT_EQ(path->angled, (Words{"/a b", "/usr/include"}));
  EXPECT_EQ(path->gcc_installation, "/usr/lib/gcc/12");
  EXPECT_EQ(parse_search_path("gcc: error\n").error().code, Errc::corrupt);
}

TEST(FilesModeTest, AsksForARuleAndNothingElse) {
  EXPECT_EQ(files_mode_argv({"gcc", "-c", "-O2", "a.c", "-o", "x.o", "-MD", "-MF", "d", "-MTq",
                             "-MP", "-Wp,-MD,k.d", "-I", "inc", "-H", "--coverage"}),
            (Words{"gcc", "-M", "-MT", "kiln", "-v", "-O2", "a.c", "-I", "inc"}));
  EXPECT_EQ(files_mode_argv({"g++", "-S", "-x", "c++", "a", "-oa.s", "-include", "h"}),
            (Words{"g++", "-M", "-MT", "kiln", "-v", "-x", "c++", "a", "-include", "h"}));
}

}  // namespace
}  // namespace kiln::client
