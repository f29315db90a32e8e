#include "common/store/blob_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::store {
namespace {

const Digest kA = digest_of("a");
const Digest kB = digest_of("b");
const Digest kC = digest_of("c");

TEST(BlobIndex, evicts_in_order_of_last_use) {
  BlobIndex index;
  const auto a = index.insert(kA, 1, true);
  index.insert(kB, 2, true);
  index.insert(kC, 4, true);
  index.pin(a);
  index.unpin(a);
  EXPECT_THAT(index.by_age(), testing::ElementsAre(kB, kC, kA));
  EXPECT_EQ(index.oldest_idle()->digest, kB);
  EXPECT_EQ(index.bytes(), 7U);
}

TEST(BlobIndex, never_names_what_is_pinned) {
  BlobIndex index;
  const auto a = index.insert(kA, 1, true);
  index.pin(a);
  index.pin(a);
  EXPECT_EQ(index.oldest_idle(), nullptr);
  EXPECT_EQ(index.pinned_bytes(), 1U);
  index.unpin(a);
  EXPECT_EQ(index.oldest_idle(), nullptr);
  index.unpin(a);
  EXPECT_EQ(index.oldest_idle(), a);
  EXPECT_EQ(index.pinned_bytes(), 0U);
}

TEST(BlobIndex, removed_entries_outlive_their_pins_harmlessly) {
  BlobIndex index;
  const auto old = index.insert(kA, 1, false);
  index.pin(old);
  index.remove(old);
  EXPECT_EQ(index.find(kA), nullptr);
  const auto again = index.insert(kA, 1, true);
  index.unpin(old);
  EXPECT_EQ(index.find(kA), again);
  EXPECT_EQ(index.bytes(), 1U);
  EXPECT_EQ(index.pinned_bytes(), 0U);
  index.remove(old);
  EXPECT_EQ(index.count(), 1U);
}

}  // namespace
}  // namespace kiln::store
