#include "client/timeline/pieces.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/timeline/counters.h"
#include "tests/unit/client/timeline/records.h"

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Row = Piece::Row;
using Laid = std::vector<std::pair<std::string, Span>>;

// In milliseconds.
Span ms(const Span& span) {
  return {span.begin / 1000, span.end / 1000};
}

Laid laid(const Piece& piece) {
  Laid all;
  for (const auto& phase : piece.phases) all.emplace_back(phase.name, ms(phase.span));
  return all;
}

class Pieces : public testing::Test {
 protected:
  // Of the row, in order.
  std::vector<const Piece*> cut(std::shared_ptr<CallRecord> record, Row row, int here_ended = 0) {
    job_.record = std::move(record);
    if (here_ended != 0) job_.here_ended = at_ms(here_ended);
    pieces_ = pieces_of(job_, at_ms(0));
    EXPECT_EQ(std::count_if(pieces_.begin(), pieces_.end(),
                            [](const Piece& piece) { return piece.is_job; }),
              1);
    std::vector<const Piece*> found;
    for (const auto& piece : pieces_) {
      if (piece.row == row) found.push_back(&piece);
    }
    return found;
  }

  Job job_;
  std::vector<Piece> pieces_;
};

TEST_F(Pieces, a_remote_job_has_all_its_phases_in_order) {
  const auto there = cut(remote_call("/a.c", "w0"), Row::node);
  ASSERT_EQ(there.size(), 1U);
  EXPECT_TRUE(there[0]->is_job);
  EXPECT_EQ(ms(there[0]->span), (Span{7, 50}));
  // 42 ms between RUN and result, 32 of which the worker tells of.
  EXPECT_EQ(laid(*there[0]), (Laid{{"transfer", {7, 13}},
                                   {"queue", {13, 23}},
                                   {"root", {23, 25}},
                                   {"run", {25, 45}},
                                   {"return", {45, 50}}}));
  const auto listing = cut(remote_call("/a.c", "w0"), Row::listing);
  ASSERT_EQ(listing.size(), 1U);
  EXPECT_EQ(laid(*listing[0]),
            (Laid{{"wait to list", {0, 1}}, {"list", {1, 5}}, {"lease", {5, 7}}}));
  const auto back = cut(remote_call("/a.c", "w0"), Row::returning);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(laid(*back[0]), (Laid{{"write", {50, 52}}}));
}

TEST_F(Pieces, an_attempt_that_failed_comes_before_the_one_that_counts) {
  auto record = remote_call("/a.c", "w1", 40);
  record->begun = at_ms(0);
  record->listing_begun = record->begun;
  auto& attempts = record->traces[0].attempts;
  attempts.insert(attempts.begin(), attempt_on("w0", "worker_lost", 5, 40));
  const auto there = cut(record, Row::node);
  ASSERT_EQ(there.size(), 2U);
  EXPECT_FALSE(there[0]->is_job);
  EXPECT_EQ(laid(*there[0]), (Laid{{"transfer", {7, 8}}, {"no result", {8, 40}}}));
  EXPECT_EQ(there[1]->number, 2U);
  EXPECT_TRUE(there[1]->is_job);
  const auto waits = cut(record, Row::listing);
  ASSERT_EQ(waits.size(), 2U);
  EXPECT_EQ(laid(*waits[1]), (Laid{{"lease", {45, 47}}}));
}

TEST_F(Pieces, a_local_job_runs_from_its_answer_to_its_end) {
  const auto here = cut(local_call("/a.c", 0, 6), Row::here, 80);
  ASSERT_EQ(here.size(), 1U);
  EXPECT_TRUE(here[0]->is_job);
  EXPECT_EQ(laid(*here[0]), (Laid{{"here", {6, 80}}}));
  EXPECT_THAT(cut(local_call("/a.c", 0, 6), Row::node), IsEmpty());
}

TEST_F(Pieces, of_a_local_job_whose_end_is_not_known_there_is_the_beginning) {
  job_.here_ended = {};
  const auto here = cut(local_call("/a.c", 0, 6), Row::here);
  ASSERT_EQ(here.size(), 1U);
  EXPECT_EQ(ms(here[0]->span), (Span{6, 6}));
  EXPECT_THAT(here[0]->phases, IsEmpty());
}

TEST_F(Pieces, a_lease_that_was_waited_for_in_vain) {
  auto record = local_call("/a.c", 0, 31, true);
  AttemptTrace wait{"", "no_lease"};
  wait.asked = at_ms(5);
  wait.ended = at_ms(30);
  record->traces.resize(1);
  record->traces[0].waits.push_back(wait);
  const auto listing = cut(record, Row::listing, 50);
  ASSERT_EQ(listing.size(), 1U);
  EXPECT_EQ(laid(*listing[0]).back(), (Laid::value_type{"lease", {5, 30}}));
  EXPECT_THAT(cut(record, Row::node), IsEmpty());
}

TEST_F(Pieces, a_call_that_was_never_listed) {
  auto record = local_call("/a.c", 3, 4);
  record->ran = CallRecord::Ran::nowhere;
  record->listing_begun = record->listing_ended = {};
  EXPECT_EQ(cut(record, Row::nowhere).size(), 1U);
  const auto listing = cut(record, Row::listing);
  ASSERT_EQ(listing.size(), 1U);
  EXPECT_EQ(ms(listing[0]->span), (Span{3, 4}));
}

TEST_F(Pieces, what_a_worker_tells_never_goes_beyond_what_was_measured) {
  auto record = remote_call("/a.c", "w0");
  record->traces[0].attempts[0].usage.queue_us = UINT64_MAX;
  const auto there = cut(record, Row::node);
  EXPECT_EQ(
      laid(*there[0]),
      (Laid{{"transfer", {7, 8}}, {"queue", {8, 28}}, {"root", {28, 30}}, {"run", {30, 50}}}));
}

TEST_F(Pieces, units_of_one_call_are_one_job) {
  auto record = remote_call("/a.c", "w0");
  record->traces.push_back(record->traces[0]);
  EXPECT_EQ(cut(record, Row::node).size(), 2U);
  EXPECT_TRUE(cut(record, Row::node)[1]->is_job);
}

TEST_F(Pieces, states_are_counted) {
  job_.record = remote_call("/a.c", "w0");
  const Job other{remote_call("/b.c", "w0", 2)};
  const Job here{local_call("/c.c", 5, 6), at_ms(100)};
  for (const Job* job : std::vector<const Job*>{&job_, &other, &here}) {
    const auto some = pieces_of(*job, at_ms(0));
    pieces_.insert(pieces_.end(), some.begin(), some.end());
  }
  const auto counted = count_states(pieces_);
  ASSERT_FALSE(counted.empty());
  EXPECT_TRUE(std::is_sorted(counted.begin(), counted.end(),
                             [](const auto& one, const auto& two) { return one.at < two.at; }));
  const auto at = [&](std::int64_t ms) {
    Counted last;
    for (const auto& one : counted) {
      if (one.at <= ms * 1000) last = one;
    }
    return last.jobs;
  };
  EXPECT_THAT(at(1), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(at(3), ElementsAre(2, 0, 0, 0));
  EXPECT_THAT(at(10), ElementsAre(0, 0, 2, 1));
  EXPECT_THAT(at(51), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(at(100), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace kiln::client
