#include "client/lister/files_mode_lister.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/client/fake_file_system.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

// A compiler that answers as it is told; the file system is made up as well.
class FilesModeListerTest : public testing::Test {
 protected:
  FilesModeListerTest() {
    unit_.source = "a.c";
    unit_.expanded = unit_.argv = {"gcc", "-c", "a.c"};
    unit_.outputs = {"/w/out/a.o"};
    call_.argv = unit_.argv;
    call_.program = "/usr/bin/gcc";
    call_.cwd = "/w";
    call_.environment = {{"LC_ALL", "de_DE.UTF-8"}, {"LANGUAGE", "de"}, {"PWD", "/link"}};
    answer_.stderr_text =
        "#include \"...\" search starts here:\n q\n#include <...> search starts here:\n inc\n"
        " /usr/include\nEnd of search list.\n";
    answer_.stdout_text = "kiln: a.c h.h\n";
    files_.add_file("/w/a.c", "");
    files_.add_file("/w/h.h", "");
  }

  ListOutcome list() {
    FileDigestCache digests(files_);
    FilesModeLister lister(files_, digests, [this](const CommandSpec& command) {
      asked_ = command;
      return Result<CommandOutput>(answer_);
    });
    const auto outcome = lister.list(unit_, call_);
    EXPECT_TRUE(outcome.has_value());
    return outcome ? *outcome : ListOutcome(Local{"error"});
  }

  Words files() {
    const ListOutcome outcome = list();
    const auto* local = std::get_if<Local>(&outcome);
    return local != nullptr ? Words{"local: " + local->reason} : std::get<Listing>(outcome).files;
  }

  FakeFileSystem files_;
  CompileUnit unit_;
  CompilerCall call_;
  CommandOutput answer_;
  CommandSpec asked_;
};

TEST_F(FilesModeListerTest, ReadsAFileOnceToHashAndToScanIt) {
  files_.add_file("/w/a.c", "int a;");
  files_.add_file("/w/h.h", "int header;");
  list();
  EXPECT_EQ(files_.reads(), 2U);
}

TEST_F(FilesModeListerTest, ListsFilesAndEveryDirectoryOfTheSearch) {
  unit_.inputs = {"args"};
  unit_.include_directories = {{IncludeKind::normal, "inc"}, {IncludeKind::normal, "empty"}};
  const Listing listing = std::get<Listing>(list());
  EXPECT_EQ(listing.files, (Words{"a.c", "args", "h.h"}));
  EXPECT_EQ(listing.directories, (Words{"/link", "/usr/include", "/w/out", "empty", "inc", "q"}));
  EXPECT_EQ(asked_.cwd, "/w");
  EXPECT_EQ(asked_.environment, (Environment{{"PWD", "/link"}, {"LC_ALL", "C"}}));
}

TEST_F(FilesModeListerTest, AddsWhatHasIncludeFinds) {
  files_.add_file("/w/h.h",
                  "#if __has_include(<sys/x.h>)\n#if __has_include(\"y.h\")\n"
                  "#if __has_include(<none.h>)\n#if __has_include(<dir>)\n");
  files_.add_file("/usr/include/sys/x.h", "");
  files_.add_file("/w/y.h", "");
  files_.add_file("/w/q/y.h", "");
  files_.add_directory("/usr/include/dir");
  EXPECT_EQ(files(), (Words{"./y.h", "/usr/include/sys/x.h", "a.c", "h.h"}));
}

TEST_F(FilesModeListerTest, AddsEveryMatchOfHasIncludeNext) {
  files_.add_file("/w/h.h", "#if __has_include_next(<x.h>)\n");
  files_.add_file("/w/inc/x.h", "");
  files_.add_file("/usr/include/x.h", "");
  EXPECT_EQ(files(), (Words{"/usr/include/x.h", "a.c", "h.h", "inc/x.h"}));
}

TEST_F(FilesModeListerTest, FollowsOtherNamesOfHasInclude) {
  files_.add_file("/w/h.h", "#define HAVE(x) __has_include(x)\n");
  files_.add_file("/w/a.c", "#if HAVE(<x.h>)\n");
  files_.add_file("/w/inc/x.h", "");
  EXPECT_EQ(files(), (Words{"a.c", "h.h", "inc/x.h"}));
}

TEST_F(FilesModeListerTest, AddsFilesOfLineDirectives) {
  files_.add_file("/w/a.c", "#line 1 \"grammar.y\"\n#line 1 \"gone.y\"\n");
  files_.add_file("/w/grammar.y", "");
  EXPECT_EQ(files(), (Words{"a.c", "grammar.y", "h.h"}));
}

TEST_F(FilesModeListerTest, StaysWhenInputsCannotBeKnown) {
  const auto with = [&](const std::string& text) {
    files_.add_file("/w/h.h", text);
    return files();
  };
  EXPECT_EQ(with("#if __has_include(X)\n"), (Words{"local: computed_has_include"}));
  EXPECT_EQ(with("#embed <x>\n"), (Words{"local: embedded_file"}));
  EXPECT_EQ(with("f(__DATE__);"), (Words{"local: time_macro"}));
  EXPECT_EQ(with("f(__TIMESTAMP__);"), (Words{"local: time_macro"}));
  call_.environment.emplace_back("SOURCE_DATE_EPOCH", "1");
  EXPECT_EQ(with("f(__DATE__);"), (Words{"a.c", "h.h"}));
  EXPECT_EQ(with("f(__TIMESTAMP__);"), (Words{"local: time_macro"}));
  call_.family = CompilerFamily::clang;
  EXPECT_EQ(with("f(__DATE__);"), (Words{"local: time_macro"}));
}

TEST_F(FilesModeListerTest, SystemHeadersMayTellTheTime) {
  files_.add_file("/usr/include/s.h", "#define NOW __TIME__\n");
  answer_.stdout_text = "kiln: a.c /usr/include/s.h\n";
  EXPECT_EQ(files(), (Words{"/usr/include/s.h", "a.c"}));
}

TEST_F(FilesModeListerTest, StaysWhenAPrecompiledHeaderLiesBeside) {
  files_.add_file("/w/h.h.gch", "");
  EXPECT_EQ(files(), (Words{"local: precompiled_header"}));
}

TEST_F(FilesModeListerTest, StaysWhenAPrecompiledHeaderLiesWhereItIsLookedForFirst) {
  files_.add_file("/w/a.c", "#include <p.h>\n");
  files_.add_file("/usr/include/p.h.gch", "");
  EXPECT_EQ(files(), (Words{"local: precompiled_header"}));
  call_.family = CompilerFamily::clang;
  EXPECT_EQ(files(), (Words{"a.c", "h.h"}));
}

TEST_F(FilesModeListerTest, StaysWhenTheCompilerFailsOrSpeaksInRiddles) {
  answer_.exit_code = 1;
  EXPECT_EQ(files(), (Words{"local: lister_failed"}));
  answer_.exit_code = 0;
  answer_.stdout_text = "kiln: a.c\nnew\nline.h\n";
  EXPECT_EQ(files(), (Words{"local: odd_name"}));
  answer_.stdout_text = "kiln: a.c\n";
  answer_.stderr_text = "";
  EXPECT_EQ(files(), (Words{"local: lister_failed"}));
}

TEST_F(FilesModeListerTest, AFileThatVanishedIsAnError) {
  answer_.stdout_text = "kiln: a.c gone.h\n";
  FileDigestCache digests(files_);
  FilesModeLister lister(files_, digests,
                         [this](const CommandSpec&) { return Result<CommandOutput>(answer_); });
  EXPECT_EQ(lister.list(unit_, call_).error().code, Errc::not_found);
}

}  // namespace
}  // namespace kiln::client
