#include "client/cli/top_page.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/table.h"

namespace kiln::client {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

TopNode node(const std::string& name, const SlotUse& use) {
  TopNode node;
  node.name = name;
  node.state = "ready";
  node.address = "10.0.0.1:10652";
  node.use = use;
  node.load = 1.5;
  node.memory_bytes = 3221225472;
  node.completed = 120;
  node.rate = 12.5;
  return node;
}

TopPool pool(const std::string& name) {
  TopPool pool;
  pool.name = name;
  pool.state = "ready";
  pool.context = "spawn";
  pool.nodes = 2;
  pool.ready = 3;
  pool.busy = 4;
  pool.warm_hits = 199;
  pool.warm_misses = 1;
  return pool;
}

TopFarm small_farm() {
  TopFarm farm;
  farm.is_there = true;
  farm.coordinator = "10.0.0.1:10650";
  farm.ready_nodes = 2;
  farm.waiting = 1;
  farm.nodes = {node("w0", {4, 3, 1, 2}), node("w1", {4, 1, 2, 0}), node("w2", {})};
  farm.nodes[2].state = "lost";
  farm.nodes[2].rate.reset();
  farm.pools = {pool("default"), pool("cc")};
  farm.pools[1].state = "broken";
  farm.pools[1].broken = 2;
  farm.tasks = {{"w0", "running", "default", "src/short.c", "1-1", 120},
                {"w1", "staging", "cc", "src/long.cc", "1-2", 65000}};
  return farm;
}

std::vector<std::string> texts(const std::vector<StyledLine>& lines) {
  std::vector<std::string> result;
  for (const StyledLine& line : lines) {
    std::string text = plain_text(line);
    text.erase(text.find_last_not_of(' ') + 1);
    result.push_back(text);
  }
  return result;
}

std::vector<std::string> page_of(const TopFarm& farm, const TopView& view = {},
                                 ScreenSize screen = {}) {
  return texts(top_page(farm, view, screen).lines);
}

TopFarm with_tasks(std::size_t number) {
  TopFarm farm = small_farm();
  farm.tasks.clear();
  for (std::size_t i = 0; i < number; ++i)
    farm.tasks.push_back({"w0", "running", "default", "t" + std::to_string(i), "", 1000 - i});
  return farm;
}

TEST(TopPage, at_80_columns) {
  EXPECT_THAT(
      page_of(small_farm(), {}, {80, 20}),
      ElementsAre("farm ready at 10.0.0.1:10650  nodes 2/3  2 pools  2 tasks  25.0 tasks/s",
                  "slots [########=====..]  # 4/8 busy  = 3 ready  . 1 free  > 1 waiting", "",
                  "NODE↓  SLOTS                 BUSY  STATE      LOAD  FREE MEM   DONE/S",
                  "w0     [###########====]>2    3/4  ready      1.50   3.0 GiB     12.5",
                  "w1     [####=======....]      1/4  ready      1.50   3.0 GiB     12.5",
                  "w2     [               ]        -  lost          -         -        -", "",
                  "POOL↓    STATE     READY   BUSY   BROKEN   WARM   WAITING  CONTEXT",
                  "cc       broken        3      4        2   99 %         0  spawn",
                  "default  ready         3      4        0   99 %         0  spawn", "",
                  "     AGE↓  NODE  PHASE      POOL     TASK",
                  "1 min 5 s  w1    staging    cc       src/long.cc",
                  "   120 ms  w0    running    default  src/short.c", "", "", "", "",
                  "n nodes  p pools  b builds  t tasks  s sort  ? keys  q leave"));
}

TEST(TopPage, at_40_columns_keeps_what_matters) {
  const auto lines = page_of(small_farm(), {}, {40, 24});
  EXPECT_THAT(lines, Contains("NODE↓  SLOTS         BUSY  STATE"));
  EXPECT_THAT(lines, Contains("w0     [#####==]>2    3/4  ready"));
  EXPECT_THAT(lines, Contains("1 min 5 s  w1    src/long.cc"));
}

TEST(TopPage, at_200_columns_has_more) {
  TopFarm farm = small_farm();
  farm.nodes[1].speed = 0.934;
  farm.nodes[2].speed = 2;  // it is lost
  const auto lines = page_of(farm, {}, {200, 24});
  EXPECT_THAT(lines, Contains(HasSubstr("FAILED  ADDRESS")));
  EXPECT_THAT(lines, Contains(HasSubstr("LOAD  SPEED  FREE MEM")));
  EXPECT_THAT(lines, Contains(HasSubstr("1.50   0.93   3.0 GiB")));
  EXPECT_THAT(lines, Contains(HasSubstr("1.50      -   3.0 GiB"))) << "not told yet";
  EXPECT_THAT(lines, Contains(HasSubstr("   -      -         -")));
  EXPECT_THAT(lines, Contains(HasSubstr("10.0.0.1:10652")));
}

TEST(TopPage, fills_every_screen_and_is_narrower_than_it) {
  TopFarm farm = with_tasks(300);
  farm.trouble = std::string(60, 'w') + " " + std::string(300, 'x');
  farm.nodes.resize(50, node(std::string(70, 'n') + "\x1b[2J", {128, 100, 28, 1234}));
  farm.pools.resize(20, pool(std::string(64, 'p')));
  for (const std::size_t columns : {1U, 7U, 40U, 80U, 200U, 500U}) {
    for (const std::size_t height : {1U, 3U, 6U, 12U, 19U, 24U, 60U}) {
      TopView view;
      for (const auto alone : {std::optional<TopTable>(), std::optional(TopTable::pools)}) {
        view.alone = alone;
        const auto lines = page_of(farm, view, {columns, height});
        EXPECT_EQ(lines.size(), height) << columns;
        for (const auto& line : lines) {
          EXPECT_LT(display_width(line), columns) << line;
          EXPECT_EQ(line.find('\x1b'), std::string::npos);
        }
      }
    }
  }
}

TEST(TopPage, gives_tasks_the_room_that_nodes_and_pools_leave) {
  const auto lines = page_of(with_tasks(100), {}, {80, 30});
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const auto& line) { return line.find("running") != line.npos; }),
            15);
  EXPECT_THAT(lines, Contains("… and 85 more tasks"));
}

TEST(TopPage, gives_nodes_what_tasks_do_not_need) {
  TopFarm farm = with_tasks(1);
  farm.nodes.resize(40, node("more", {4, 0, 0, 0}));
  const auto lines = page_of(farm, {}, {80, 40});
  EXPECT_THAT(lines, Contains(HasSubstr("t0")));
  EXPECT_THAT(lines, Contains("… and 16 more nodes"));
}

TEST(TopPage, shows_builds_where_there_is_room_and_alone) {
  TopFarm farm = small_farm();
  for (TopTask& task : farm.tasks) {
    task.build = "nightly";
    task.client = "ann@ci";
  }
  farm.builds = builds_of(farm.tasks);
  EXPECT_THAT(page_of(farm, {}, {80, 31}), Not(Contains(StartsWith("BUILD"))));
  const auto lines = page_of(farm, {}, {80, 32});
  EXPECT_THAT(lines, Contains("BUILD↓    RUNNING   WAITING   NODES     OLDEST  CLIENT"));
  EXPECT_THAT(lines, Contains("nightly         1         1       2  1 min 5 s  ann@ci"));
  TopView view;
  view.alone = TopTable::builds;
  const auto alone = page_of(farm, view);
  EXPECT_THAT(alone, Contains(StartsWith("nightly")));
  EXPECT_THAT(alone, Not(Contains(StartsWith("NODE"))));
  EXPECT_EQ(alone.back(), "b all  s sort  j k scroll  ? keys  q leave");
}

TEST(TopPage, scrolls_no_further_than_there_is_something_to_see) {
  TopView view;
  view.alone = TopTable::tasks;
  view.first_row = 1000;
  const TopPage page = top_page(with_tasks(100), view, {80, 24});
  EXPECT_EQ(page.view.page_rows, 18U);
  EXPECT_EQ(page.view.first_row, 82U);
  EXPECT_THAT(texts(page.lines), Contains(HasSubstr("t99")));
  EXPECT_THAT(texts(page.lines), Contains("… 82 before, 0 more"));
  EXPECT_EQ(top_page(with_tasks(3), view, {80, 24}).view.first_row, 0U);
}

TEST(TopPage, with_one_table_alone_shows_no_other) {
  TopView view;
  view.alone = TopTable::nodes;
  const auto lines = page_of(small_farm(), view);
  EXPECT_THAT(lines, Contains(StartsWith("NODE")));
  EXPECT_THAT(lines, Not(Contains(StartsWith("POOL"))));
  EXPECT_EQ(lines.back(), "n all  s sort  j k scroll  ? keys  q leave");
}

TEST(TopPage, sorts_by_each_column_in_turn) {
  TopView view;
  view.alone = TopTable::nodes;
  TopFarm farm = small_farm();
  farm.nodes[1].load = 9;
  const auto first_with = [&](std::size_t order) {
    view.order[0] = order;
    return page_of(farm, view).at(4).substr(0, 2);
  };
  EXPECT_EQ(first_with(0), "w0") << "name";
  EXPECT_EQ(first_with(1), "w0") << "busy";
  EXPECT_EQ(first_with(2), "w2") << "state: lost comes before ready";
  EXPECT_EQ(first_with(3), "w1") << "load";
  EXPECT_EQ(first_with(6), "w0") << "name again";
}

TEST(TopPage, says_what_is_wrong) {
  TopFarm farm;
  farm.trouble = "cannot connect to the agent at /run/kiln/agent.sock: no agent is running, or so";
  const auto lines = page_of(farm);
  EXPECT_EQ(lines.at(0), "farm away  nodes 0/0  0 pools  0 tasks  - tasks/s");
  EXPECT_EQ(lines.at(2),
            "cannot connect to the agent at /run/kiln/agent.sock: no agent is running, or");
  EXPECT_EQ(lines.at(3), "  so");
  EXPECT_THAT(lines, IsSupersetOf({"no nodes", "no pools", "no tasks"}));
}

TEST(TopPage, shows_the_keys) {
  TopView view;
  view.helps = true;
  const auto lines = page_of(small_farm(), view);
  EXPECT_THAT(lines, Contains(HasSubstr("PgUp, PgDn")));
  EXPECT_THAT(lines, Contains(HasSubstr("free, with an executor that is ready")));
  EXPECT_THAT(lines, Not(Contains(StartsWith("NODE"))));
  EXPECT_EQ(lines.back(), "? back  q leave");
}

TEST(TopPage, has_something_to_show_before_the_first_answer) {
  const auto lines = texts(top_page_before({}, {80, 3}).lines);
  EXPECT_THAT(lines, ElementsAre("asking the agent …", "", HasSubstr("q leave")));
}

TEST(TopReport, has_all_rows_and_no_keys) {
  const auto lines = texts(top_report(with_tasks(100), 80));
  EXPECT_THAT(lines, Contains(HasSubstr("t99")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("q leave"))));
}

}  // namespace
}  // namespace kiln::client
