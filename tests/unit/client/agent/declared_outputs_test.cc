#include "client/agent/declared_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

wire::Call run_call() {
  wire::Call call;
  call.kind = "run";
  call.cwd = "/p";
  call.outputs = {"a.txt", "/tmp/b"};
  return call;
}

TEST(DeclaredOutputs, those_that_did_not_come_are_known) {
  Task task;
  task.outputs = {"/p/a.txt", "/tmp/b"};
  TaskResult result;
  EXPECT_THAT(not_written(task, result), ElementsAre("/p/a.txt", "/tmp/b"));
  result.outputs.emplace_back().path = "/p/a.txt";
  EXPECT_THAT(not_written(task, result), ElementsAre("/tmp/b"));
}

TEST(DeclaredOutputs, a_run_without_them_fails_and_names_them_as_they_were_written) {
  CallEnd end;
  end.err = "its own words\n";
  require_outputs(run_call(), {"/p/a.txt"}, end);
  EXPECT_EQ(end.exit_code, 1);
  EXPECT_EQ(end.reason, "output_missing");
  EXPECT_THAT(end.err, HasSubstr("its own words\nkiln: the command ended well, but did not write "
                                 "a.txt, which --output declares\n"));
  EXPECT_EQ(end.err.find("/tmp/b"), std::string::npos);
}

TEST(DeclaredOutputs, whatever_fails_by_itself_or_compiles_is_left_alone) {
  CallEnd failed;
  failed.exit_code = 3;
  require_outputs(run_call(), {"/p/a.txt"}, failed);
  EXPECT_EQ(failed.exit_code, 3);
  auto compile = run_call();
  compile.kind = "compile";
  CallEnd compiled;
  require_outputs(compile, {"/p/a.txt"}, compiled);
  EXPECT_EQ(compiled.exit_code, 0);
  EXPECT_THAT(compiled.err, IsEmpty());
}

}  // namespace
}  // namespace kiln::client
