#include "coordinator/server/pools_file.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/digest.h"
#include "tests/support/temporary_directory.h"

namespace kiln::coordinator {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PoolsFile : public testing::Test {
 protected:
  Result<std::vector<PoolSpec>> read(const std::string& text) {
    const auto file = directory_.path() / "pools.toml";
    std::ofstream(file) << text;
    return read_pools_file(file);
  }
  std::string problem(const std::string& text) {
    const auto specs = read(text);
    return specs ? "none" : specs.error().message;
  }
  test_support::TemporaryDirectory directory_;
};

TEST_F(PoolsFile, every_key_has_its_field) {
  const auto specs = read(R"([[pool]]
name = "cc"
context = "fork"
init = [["sh", "-c", "true"], ["true"]]
init_limit = "5s"
keep_resident = ["/usr/lib/libc.so"]
toolchains = [{name = "g++", program = "/usr/bin/g++", architecture = "x86_64", digest = ")" +
                          digest_of("g++").hex() + R"("}]
executors = 4
nodes = ["zone=a", "!spot"]
min_warm = 2
windows = [{days = "mon-fri", from = "8:00", to = "20:30", ready = 16}]
idle = "10m"
limits = {time = "1m", memory = "2G", output = "1M"}
environment = {LANG = "C"}
probe = ["g++", "--version"]

[[pool]]
name = "plain"
)");
  ASSERT_TRUE(specs) << specs.error().message;
  ASSERT_EQ(specs->size(), 2U);
  const PoolSpec expected = {"cc",
                             PoolContext::fork,
                             {{"sh", "-c", "true"}, {"true"}},
                             5'000,
                             {"/usr/lib/libc.so"},
                             {{"g++", "/usr/bin/g++", "x86_64", digest_of("g++")}},
                             4,
                             {"zone=a", "!spot"},
                             2,
                             {{0x1f, 480, 1'230, 16}},
                             600'000,
                             {60'000, std::uint64_t{2} << 30, 1 << 20},
                             {{"LANG", "C"}},
                             {"g++", "--version"}};
  EXPECT_EQ((*specs)[0], expected);
  PoolSpec plain;
  plain.name = "plain";
  EXPECT_EQ((*specs)[1], plain);
}

TEST_F(PoolsFile, errors_name_file_line_pool_and_key) {
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\nidle = \"soon\"\n"),
              AllOf(HasSubstr("pools.toml:1: pool \"cc\": idle: "), HasSubstr("\"soon\"")));
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\nsize = 3\n"),
              AllOf(HasSubstr("no key \"size\""), HasSubstr("executors")));
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\nexecutors = \"3\"\n"),
              HasSubstr("executors: it must be a number"));
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\nexecutors = -1\n"), HasSubstr("executors: "));
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\ncontext = \"thread\"\n"),
              HasSubstr("context: \"thread\" is no context"));
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\nwindows = [{days = \"mon\", from = \"25:00\"}]\n"),
              HasSubstr("windows: from: \"25:00\""));
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\ninit = [\"true\"]\n"),
              HasSubstr("init: it must be a list"));
  EXPECT_THAT(problem("[[pool]]\nname = \"cc\"\n[[pool]]\nname = \"cc\"\n"), HasSubstr("twice"));
  EXPECT_THAT(problem("[pools]\nname = \"cc\"\n"), HasSubstr("each begins with [[pool]]"));
  EXPECT_THAT(problem("[[pool]\n"), HasSubstr("pools.toml:1"));
  EXPECT_EQ(problem(""), "none");
  EXPECT_FALSE(read_pools_file(directory_.path() / "missing.toml"));
}

TEST(PoolsFileWords, days_are_ranges_and_lists) {
  EXPECT_EQ(*parse_days("mon-fri"), 0x1f);
  EXPECT_EQ(*parse_days("sat,sun"), 0x60);
  EXPECT_EQ(*parse_days("fri-mon"), 0x71);
  EXPECT_EQ(*parse_days("mon-tue,sun"), 0x43);
  EXPECT_EQ(*parse_days("daily"), 0x7f);
  for (const auto* bad : {"", "monday", "mon-", "mon,", ",mon", "mon;tue"}) {
    EXPECT_FALSE(parse_days(bad)) << bad;
  }
}

TEST(PoolsFileWords, times_are_hours_and_minutes) {
  EXPECT_EQ(*parse_time_of_day("0:00"), 0U);
  EXPECT_EQ(*parse_time_of_day("23:59"), 1'439U);
  for (const auto* bad : {"", "24:00", "8", "8:5", "8:60", "-1:00", "8:000"}) {
    EXPECT_FALSE(parse_time_of_day(bad)) << bad;
  }
}

}  // namespace
}  // namespace kiln::coordinator
