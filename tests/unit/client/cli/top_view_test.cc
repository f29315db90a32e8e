#include "client/cli/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<TopKey> keys_of(std::string bytes) {
  return take_keys(bytes);
}

TopView after(TopView view, const std::vector<TopKey>& keys) {
  for (const TopKey key : keys) view = step(view, key);
  return view;
}

TEST(TopKeys, are_letters_and_what_terminals_send_for_arrows) {
  EXPECT_THAT(keys_of("nq"), ElementsAre(TopKey::nodes, TopKey::leave));
  EXPECT_THAT(keys_of("\x03"), ElementsAre(TopKey::leave));
  EXPECT_THAT(keys_of("\x1b[A\x1bOBj"), ElementsAre(TopKey::up, TopKey::down, TopKey::down));
  EXPECT_THAT(keys_of("\x1b[5~\x1b[6~\x1b[H\x1b[4~"),
              ElementsAre(TopKey::page_up, TopKey::page_down, TopKey::first, TopKey::last));
}

TEST(TopKeys, that_mean_nothing_are_dropped_whole) {
  EXPECT_THAT(keys_of("x\x1b[1;5Cz \xc3\xa4"), IsEmpty());
  EXPECT_THAT(keys_of("\x1bq"), ElementsAre(TopKey::leave)) << "an escape alone, then a letter";
}

TEST(TopKeys, may_come_in_pieces) {
  std::string bytes = "t\x1b";
  EXPECT_THAT(take_keys(bytes), ElementsAre(TopKey::tasks));
  bytes += "[";
  EXPECT_THAT(take_keys(bytes), IsEmpty());
  bytes += "6~";
  EXPECT_THAT(take_keys(bytes), ElementsAre(TopKey::page_down));
  EXPECT_EQ(bytes, "");
}

TEST(TopView, gives_one_table_the_whole_room_until_it_is_asked_again) {
  EXPECT_EQ(table_in_view({}), TopTable::tasks);
  const TopView nodes = step({}, TopKey::nodes);
  EXPECT_EQ(nodes.alone, TopTable::nodes);
  EXPECT_EQ(table_in_view(nodes), TopTable::nodes);
  EXPECT_EQ(step(nodes, TopKey::pools).alone, TopTable::pools);
  EXPECT_EQ(step(nodes, TopKey::nodes).alone, std::nullopt);
}

TEST(TopView, scrolls_by_rows_and_pages_and_begins_anew_with_another_table) {
  TopView view;
  view.page_rows = 10;
  EXPECT_EQ(step(view, TopKey::up).first_row, 0U);
  EXPECT_EQ(after(view, {TopKey::page_down, TopKey::down, TopKey::down, TopKey::up}).first_row,
            11U);
  EXPECT_EQ(after(view, {TopKey::page_down, TopKey::down, TopKey::page_up}).first_row, 1U);
  EXPECT_EQ(after(view, {TopKey::page_down, TopKey::first}).first_row, 0U);
  EXPECT_GT(step(view, TopKey::last).first_row, 1000000U);
  EXPECT_EQ(after(view, {TopKey::down, TopKey::nodes}).first_row, 0U);
}

TEST(TopView, sorts_the_table_in_view_only) {
  EXPECT_THAT(after({}, {TopKey::sort}).order, ElementsAre(0U, 0U, 0U, 1U));
  EXPECT_THAT(after({}, {TopKey::nodes, TopKey::sort, TopKey::sort}).order,
              ElementsAre(2U, 0U, 0U, 0U));
}

TEST(TopView, helps_and_leaves) {
  EXPECT_TRUE(step({}, TopKey::help).helps);
  EXPECT_FALSE(after({}, {TopKey::help, TopKey::help}).helps);
  EXPECT_FALSE(after({}, {TopKey::help, TopKey::nodes}).helps);
  EXPECT_TRUE(step({}, TopKey::leave).leaves);
  EXPECT_FALSE(step({}, TopKey::sort).leaves);
}

}  // namespace
}  // namespace kiln::client
