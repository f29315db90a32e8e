#include "client/lister/source_scan.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

TEST(SourceScanTest, FindsLiteralHasInclude) {
  const SourceScan scan = scan_source(
      "#ifdef __has_include\n#if __has_include(<a/b.h>) && defined(__has_include)\n#endif\n"
      "# if __has_include (\"c.h\")\n#endif\n#endif\n#if __has_include_next(<d.h>)\n#endif\n");
  EXPECT_EQ(scan.asked, (std::vector<HeaderName>{
                            {"a/b.h", true, false}, {"c.h", false, false}, {"d.h", true, true}}));
  EXPECT_FALSE(scan.computed_has_include);
}

TEST(SourceScanTest, FindsWhatIsIncludedAndReadOnce) {
  const SourceScan scan = scan_source(
      "#include <a.h>\n # \tinclude_next \"b.h\"\n#import \"c.h\"\n#include MACRO\n#include <d\n");
  const std::vector<HeaderName> included = {
      {"a.h", true, false}, {"b.h", false, true}, {"c.h", false, false}};
  EXPECT_EQ(scan.included, included);
  EXPECT_TRUE(scan.once);
  EXPECT_TRUE(scan_source("#pragma once\n").once);
  EXPECT_TRUE(scan_source("# pragma  once").once);
  EXPECT_FALSE(scan_source("#pragma oncer\n#include \"once\"\n").once);
}

TEST(SourceScanTest, CommentsDoNotCount) {
  const SourceScan scan = scan_source(
      "// __has_include(X) __DATE__ \\\n __TIME__\n/* #embed \"x\"\n.incbin */ int x;\n"
      "const char* s = \"// no comment\"; int y = 1'000;\n");
  EXPECT_FALSE(scan.computed_has_include || scan.tells_time || scan.embeds);
}

TEST(SourceScanTest, LiteralsDoNotHideCode) {
  EXPECT_TRUE(scan_source("char c = '\"'; f(__DATE__); // '\"'\n").tells_time);
  EXPECT_TRUE(scan_source("s = \"/*\"; f(__TIME__); t = \"*/\";\n").tells_time);
  EXPECT_TRUE(scan_source("s = R\"x(/*)x\"; f(__TIME__);\n").tells_time);
  EXPECT_TRUE(scan_source("int a = 0x1'0; /* ' */ f(__TIME__);\n").tells_time);
  EXPECT_TRUE(scan_source("#if 0\nisn't\n#endif\nf(__DATE__);\n").tells_time);
}

TEST(SourceScanTest, TellsComputedNamesFromDefinitions) {
  EXPECT_TRUE(scan_source("#if __has_include(HEADER)\n").computed_has_include);
  EXPECT_TRUE(scan_source("#define X __has_include(HEADER)\n").computed_has_include);
  EXPECT_FALSE(scan_source("# define __has_include(x) 0\n").computed_has_include);
  const SourceScan alias = scan_source("#  define HAVE(x) \\\n __has_include(x)\n");
  EXPECT_FALSE(alias.computed_has_include);
  EXPECT_EQ(alias.aliases, (Words{"HAVE"}));
}

TEST(SourceScanTest, OperatorsCountAsHasInclude) {
  const SourceScan scan =
      scan_source("#define HAVE(x) 0\n#if HAVE(<a.h>)\n#if NOT_HAVE(<b.h>)\n", {"HAVE"});
  EXPECT_EQ(scan.asked, (std::vector<HeaderName>{{"a.h", true, false}}));
  EXPECT_FALSE(scan.computed_has_include);
}

TEST(SourceScanTest, FindsFilesThatOnlyDiagnosticsRead) {
  EXPECT_EQ(scan_source("#line 12 \"a.y\"\n# line 3 \"b.l\"\n# 7 \"c.x\" 2\n#line 5\n").line_files,
            (Words{"a.y", "b.l", "c.x"}));
}

TEST(SourceScanTest, FindsInputsThatNobodyLists) {
  EXPECT_TRUE(scan_source("asm(\".incbin \\\"x\\\"\");").embeds);
  EXPECT_TRUE(scan_source("#embed <x>\n").embeds);
  EXPECT_FALSE(scan_source("int embedded;\n").embeds);
  EXPECT_TRUE(scan_source("f(__TIMESTAMP__);").tells_timestamp);
}

TEST(SourceScanTest, BlankingKeepsEveryPosition) {
  EXPECT_EQ(blank_comments("a/*x\ny*/b//z\nc"), "a   \n   b   \nc");
  EXPECT_EQ(blank_comments("/* never closed"), "               ");
}

}  // namespace
}  // namespace kiln::client
