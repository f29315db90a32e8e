// How a toolchain spreads from node to node.
#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/pools/keeper_driver.h"

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

PoolToolchain toolchain(const std::string& name, const std::string& architecture = "x86_64") {
  return {name, "/usr/bin/" + name, architecture, digest_of(name)};
}

TEST(SourceBook, knows_who_has_what_until_told_otherwise) {
  SourceBook book;
  Random random(1);
  book.set("a", "tcp://a", {digest_of("gcc")});
  book.set("b", "tcp://b", {digest_of("gcc"), digest_of("clang")});
  EXPECT_EQ(book.count(digest_of("gcc")), 2U);
  EXPECT_TRUE(book.has("b", digest_of("clang")));
  book.set("b", "tcp://b", {digest_of("clang")});
  EXPECT_EQ(book.count(digest_of("gcc")), 1U);
  book.remove("a");
  EXPECT_EQ(book.count(digest_of("gcc")), 0U);
  EXPECT_THAT(book.pick("c", {toolchain("gcc"), toolchain("clang")}, 3, random),
              ElementsAre("tcp://b"));
  EXPECT_THAT(book.pick("b", {toolchain("clang")}, 3, random), IsEmpty()) << "it has it";
}

class Spreading : public testing::Test {
 protected:
  PoolSpec gcc_pool() {
    auto spec = KeeperDriver::spec("cc");
    spec.toolchains = {toolchain("gcc")};
    return spec;
  }
  KeeperDriver farm;
};

TEST_F(Spreading, a_node_is_told_what_to_stage_and_from_where) {
  farm.meet("a");
  farm.meet("b");
  farm.stage("a", {digest_of("gcc")});
  farm.create(gcc_pool());
  const auto order = farm.last_order("b", "cc");
  EXPECT_EQ(order.stage, gcc_pool().toolchains);
  EXPECT_THAT(order.sources, ElementsAre("tcp://a"));
  EXPECT_THAT(farm.last_order("a", "cc").sources, IsEmpty());
}

TEST_F(Spreading, toolchains_of_other_architectures_are_not_staged) {
  farm.meet("a");
  auto spec = gcc_pool();
  spec.toolchains.push_back(toolchain("gcc-arm", "aarch64"));
  farm.create(spec);
  EXPECT_THAT(farm.last_order("a", "cc").stage, ElementsAre(toolchain("gcc")));
}

TEST_F(Spreading, nodes_hear_of_sources_that_appear_later) {
  farm.meet("a");
  farm.meet("b");
  farm.create(gcc_pool());
  EXPECT_THAT(farm.last_order("b", "cc").sources, IsEmpty());
  farm.take_all();
  farm.stage("a", {digest_of("gcc")});
  EXPECT_THAT(farm.last_order("b", "cc").sources, ElementsAre("tcp://a"));
}

TEST_F(Spreading, a_thousand_nodes_do_not_all_ask_the_first_one) {
  farm.meet("seed");
  for (int i = 0; i < 200; ++i) farm.meet("n" + std::to_string(i));
  farm.stage("seed", {digest_of("gcc")});
  farm.create(gcc_pool());
  std::map<std::string, std::size_t> asked;  // source: nodes
  std::set<std::string> staged = {"seed"};
  int rounds = 0;
  for (; staged.size() < 201 && rounds < 30; ++rounds) {
    std::vector<std::string> pulling;
    std::size_t messages = 0;
    for (const auto& one : farm.take_all()) {
      ++messages;
      if (one.orders[0].sources.empty()) continue;
      pulling.push_back(one.worker);
      ++asked[one.orders[0].sources[0]];
    }
    EXPECT_LE(messages, 201U);
    EXPECT_LE(pulling.size(), 4 * staged.size());
    for (const auto& worker : pulling) {
      farm.stage(worker, {digest_of("gcc")});
      staged.insert(worker);
    }
    farm.pass(seconds(1));
  }
  EXPECT_EQ(staged.size(), 201U);
  EXPECT_LE(rounds, 8) << "it grows like a tree";
  const auto most = std::max_element(
      asked.begin(), asked.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_LE(most->second, 40U);
}

TEST_F(Spreading, a_node_whose_source_is_gone_gets_another) {
  farm.meet("a");
  farm.meet("b");
  farm.meet("c");
  farm.stage("a", {digest_of("gcc")});
  farm.create(gcc_pool());
  ASSERT_THAT(farm.last_order("b", "cc").sources, ElementsAre("tcp://a"));
  farm.set_state("a", NodeState::lost);
  farm.stage("c", {digest_of("gcc")});
  farm.pass(seconds(10));
  EXPECT_THAT(farm.last_order("b", "cc").sources, ElementsAre("tcp://c"));
}

TEST_F(Spreading, what_warm_asks_for_is_staged_too_and_bounded) {
  farm.meet("a");
  farm.create(gcc_pool());
  auto request = KeeperDriver::request(PoolAction::warm, "cc");
  for (int i = 0; i < 20; ++i) {
    request.spec.toolchains = {toolchain("t" + std::to_string(i))};
    ASSERT_TRUE(farm.keeper.change(request, farm.moment));
  }
  const auto stage = farm.last_order("a", "cc").stage;
  EXPECT_EQ(stage.size(), 17U);
  EXPECT_EQ(stage.front(), toolchain("gcc")) << "its own stays";
  EXPECT_EQ(stage.back(), toolchain("t19"));
}

}  // namespace
}  // namespace kiln::coordinator
