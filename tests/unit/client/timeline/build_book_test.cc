#include "client/timeline/build_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/timeline/records.h"

namespace kiln::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Book : public testing::Test {
 protected:
  BuildBook::JobId one(const std::string& build, int begun, const std::string& file = "/a.c") {
    return book_.add(book_.enter(build, at_ms(begun)), remote_call(file, "w0", begun));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& build : book_.list()) all.push_back(build.name);
    return all;
  }
  std::vector<std::string> files(const std::string& build) const {
    std::vector<std::string> all;
    const auto found = book_.find(build);
    if (!found) return {found.error().message};
    for (const auto& job : found->jobs) all.push_back(job.record->file);
    return all;
  }

  BuildBook book_{4};
};

TEST_F(Book, jobs_lie_with_their_build) {
  one("x", 0, "/a.c");
  one("y", 1, "/b.c");
  one("x", 2, "/c.c");
  EXPECT_THAT(names(), ElementsAre("x", "y"));
  EXPECT_THAT(files("x"), ElementsAre("/a.c", "/c.c"));
  EXPECT_THAT(files("y"), ElementsAre("/b.c"));
}

TEST_F(Book, without_a_name_it_is_the_latest) {
  one("x", 0, "/a.c");
  one("y", 1, "/b.c");
  EXPECT_THAT(files(""), ElementsAre("/b.c"));
  one("x", 2, "/c.c");
  EXPECT_EQ(book_.find("")->summary.name, "x");
}

TEST_F(Book, an_unknown_build_names_those_there_are) {
  EXPECT_THAT(book_.find("x").error().message, HasSubstr("remembers none"));
  EXPECT_THAT(book_.find("").error().message, HasSubstr("no job"));
  one("y", 1);
  one("z", 2);
  EXPECT_THAT(book_.find("x").error().message, AllOf(HasSubstr("no build x"), HasSubstr("z, y")));
}

TEST_F(Book, a_name_that_rested_is_another_run) {
  one("x", 0, "/a.c");
  one("x", 60'000, "/b.c");
  EXPECT_THAT(names(), ElementsAre("x"));  // its last end was at 53
  one("x", 120'113, "/c.c");
  EXPECT_THAT(names(), ElementsAre("x#1", "x#2"));
  EXPECT_THAT(files("x#1"), ElementsAre("/a.c", "/b.c"));
  EXPECT_THAT(files("x#2"), ElementsAre("/c.c"));
  EXPECT_THAT(files("x"), ElementsAre("/c.c"));
}

TEST_F(Book, as_long_as_something_is_under_way_it_is_the_same_run) {
  const auto run = book_.enter("x", at_ms(0));
  one("x", 500'000, "/b.c");
  book_.add(run, remote_call("/a.c", "w0", 0));
  EXPECT_THAT(files("x"), ElementsAre("/b.c", "/a.c"));
  EXPECT_EQ(book_.find("x")->summary.active, 0U);
}

TEST_F(Book, the_oldest_build_goes_first_and_whole) {
  one("x", 0);
  one("x", 1);
  one("y", 2);
  one("y", 3);
  one("z", 4);
  EXPECT_THAT(names(), ElementsAre("y", "z"));
}

TEST_F(Book, one_that_is_under_way_stays) {
  one("x", 0);
  const auto run = book_.enter("x", at_ms(1));
  for (int i = 0; i < 4; ++i) one("y", 2 + i, "/" + std::to_string(i) + ".c");
  EXPECT_THAT(names(), ElementsAre("x", "y"));
  EXPECT_THAT(files("y"), ElementsAre("/1.c", "/2.c", "/3.c"));
  book_.leave(run, at_ms(9));
  one("y", 10, "/4.c");
  EXPECT_THAT(names(), ElementsAre("y"));
}

TEST_F(Book, a_build_that_is_too_large_loses_its_own_oldest_and_counts_them) {
  for (int i = 0; i < 6; ++i) one("x", i, "/" + std::to_string(i) + ".c");
  const auto build = book_.find("x");
  EXPECT_EQ(build->jobs.size(), 4U);
  EXPECT_EQ(build->jobs.front().record->file, "/2.c");
  EXPECT_EQ(build->summary.forgotten, 2U);
  EXPECT_EQ(build->summary.remote, 6U);
}

TEST_F(Book, where_jobs_ran_is_counted) {
  one("x", 0);
  book_.add(book_.enter("x", at_ms(1)), local_call("/b.c", 1, 2));
  book_.add(book_.enter("x", at_ms(1)), local_call("/c.c", 1, 2, true));
  auto failed = local_call("/d.c", 1, 2);
  failed->ran = CallRecord::Ran::nowhere;
  book_.add(book_.enter("x", at_ms(1)), failed);
  const auto summary = book_.list().front();
  EXPECT_EQ(summary.jobs(), 4U);
  EXPECT_THAT(
      (std::vector<std::uint64_t>{summary.remote, summary.local, summary.fallback, summary.failed}),
      ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(summary.begun, at_ms(0));
  EXPECT_EQ(summary.ended, at_ms(53));
}

TEST_F(Book, the_end_of_a_local_run_comes_later) {
  const auto first = book_.add(book_.enter("x", at_ms(0)), local_call("/a.c", 0, 2));
  book_.here_ended(first, at_ms(90));
  EXPECT_EQ(book_.find("x")->jobs[0].here_ended, at_ms(90));
  EXPECT_EQ(book_.list().front().ended, at_ms(90));
  for (int i = 0; i < 4; ++i) one("x", 100);
  book_.here_ended(first, at_ms(200));  // forgotten
  EXPECT_EQ(book_.find("x")->jobs[0].here_ended, TimePoint{});
}

TEST_F(Book, what_was_given_up_leaves_nothing) {
  book_.leave(book_.enter("x", at_ms(0)), at_ms(1));
  EXPECT_THAT(names(), IsEmpty());
  book_.leave(0, at_ms(1));
}

}  // namespace
}  // namespace kiln::client
