#include "client/agent/payload.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"

namespace kiln::client {
namespace {

class PayloadTest : public testing::Test {
 protected:
  void add_file(const std::string& name, const std::string& content) {
    const std::string path = directory_.path() / name;
    ASSERT_TRUE(write_file_atomically(path, content, 0644));
    inputs_->files.push_back({digest_of(content), path, content.size()});
    wanted_.push_back(digest_of(content));
  }
  void add_listing(const std::string& bytes) {
    inputs_->listings.emplace_back(digest_of(bytes), bytes);
    wanted_.push_back(digest_of(bytes));
  }
  PreparedUnit unit() const {
    PreparedUnit unit;
    unit.inputs = inputs_;
    unit.toolchain = toolchain_;
    return unit;
  }
  static bool nothing(const Digest&) { return false; }
  static bool carries(const Parcel& parcel, const Digest& digest) {
    return std::any_of(parcel.blobs.begin(), parcel.blobs.end(),
                       [&](const auto& blob) { return blob.digest == digest; });
  }

  test_support::TemporaryDirectory directory_;
  std::shared_ptr<InputTree> inputs_ = std::make_shared<InputTree>();
  std::shared_ptr<Toolchain> toolchain_ = std::make_shared<Toolchain>();
  std::vector<Digest> wanted_;
};

TEST_F(PayloadTest, small_inputs_and_listings_go_with_run) {
  add_listing("a listing");
  add_file("small", "small");
  add_file("large", std::string(kInlineFileBytes + 1, 'x'));
  toolchain_->listings.emplace_back(digest_of("tools"), "tools");
  const Parcel parcel = parcel_for_run(unit(), nothing, true);
  EXPECT_EQ(parcel.blobs.size(), parcel.raw.size());
  EXPECT_TRUE(carries(parcel, digest_of("a listing")));
  EXPECT_TRUE(carries(parcel, digest_of("small")));
  EXPECT_TRUE(carries(parcel, digest_of("tools")));
  EXPECT_EQ(parcel.blobs.size(), 3U) << "what is large is asked for";
  EXPECT_EQ(parcel_for_run(unit(), nothing, false).blobs.size(), 2U);
}

TEST_F(PayloadTest, what_the_worker_knows_does_not_travel) {
  add_file("known", "known");
  add_file("new", "new");
  const Digest known = digest_of("known");
  const Parcel parcel = parcel_for_run(
      unit(), [&](const Digest& digest) { return digest == known; }, false);
  EXPECT_EQ(parcel.blobs.size(), 1U);
  EXPECT_TRUE(carries(parcel, digest_of("new")));
}

TEST_F(PayloadTest, run_stays_within_its_budget) {
  for (char c = 'a'; c <= 'z'; ++c)
    for (char d = 'a'; d <= 'c'; ++d) add_file({c, d}, std::string(100'000, c) + d);
  std::uint64_t bytes = 0;
  for (const auto& blob : parcel_for_run(unit(), nothing, false).blobs) bytes += blob.size;
  EXPECT_GT(bytes, 3U << 20U);
  EXPECT_LE(bytes, 4U << 20U);
}

TEST_F(PayloadTest, an_input_that_changed_is_missing_and_never_sent) {
  add_file("changed", "before");
  ASSERT_TRUE(write_file_atomically(directory_.path() / "changed", "after!", 0644));
  EXPECT_TRUE(parcel_for_run(unit(), nothing, false).blobs.empty());
  const Delivery delivery = deliver(unit(), wanted_);
  EXPECT_TRUE(delivery.parcel.blobs.empty());
  EXPECT_EQ(delivery.missing, wanted_);
}

TEST_F(PayloadTest, need_is_answered_by_message_upload_or_confession) {
  add_listing("a listing");
  add_file("small", "small");
  add_file("large", std::string(kInlineFileBytes + 1, 'x'));
  wanted_.push_back(digest_of("never heard of"));
  const Delivery delivery = deliver(unit(), wanted_);
  EXPECT_EQ(delivery.parcel.blobs.size(), 2U);
  ASSERT_EQ(delivery.uploads.size(), 1U);
  EXPECT_EQ(delivery.uploads[0].path, (directory_.path() / "large").string());
  EXPECT_EQ(delivery.missing, std::vector<Digest>{digest_of("never heard of")});
  EXPECT_TRUE(delivery.rest.empty());
}

TEST_F(PayloadTest, more_than_one_message_carries_is_left_for_the_next) {
  for (int i = 0; i < 10'000; ++i) add_listing("listing " + std::to_string(i));
  std::size_t delivered = 0;
  int messages = 0;
  for (auto wanted = wanted_; !wanted.empty(); ++messages) {
    Delivery delivery = deliver(unit(), wanted);
    ASSERT_FALSE(delivery.parcel.blobs.empty());
    delivered += delivery.parcel.blobs.size();
    wanted = std::move(delivery.rest);
  }
  EXPECT_EQ(delivered, 10'000U);
  EXPECT_EQ(messages, 3);
}

}  // namespace
}  // namespace kiln::client
