#include "coordinator/page/parts.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/digest.h"

namespace kiln::coordinator::page {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Part* find(std::string_view name) {
  const auto all = parts();
  const auto at = std::ranges::find(all, name, &Part::name);
  return at == all.end() ? nullptr : &*at;
}

TEST(Parts, the_page_is_carried_whole) {
  const auto* index = find("index.html");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->content_type, "text/html; charset=utf-8");
  EXPECT_THAT(std::string(index->content), StartsWith("<!doctype html>"));
  EXPECT_THAT(std::string(index->content), HasSubstr("</html>"));
}

TEST(Parts, every_part_that_the_page_names_is_there) {
  const auto* index = find("index.html");
  ASSERT_NE(index, nullptr);
  constexpr std::string_view kBefore = "=\"/page/";
  std::set<std::string_view> named;
  for (auto at = index->content.find(kBefore); at != std::string_view::npos;
       at = index->content.find(kBefore, at)) {
    at += kBefore.size();
    named.insert(index->content.substr(at, index->content.find('"', at) - at));
  }
  EXPECT_GT(named.size(), 10U);
  for (const auto name : named) EXPECT_NE(find(name), nullptr) << name;
  // What is not named comes only after a further way to the coordinator and back.
  for (const auto& part : parts()) {
    if (part.name.ends_with(".html")) continue;
    EXPECT_TRUE(named.contains(part.name)) << part.name;
  }
}

TEST(Parts, each_has_a_type_and_a_tag_of_its_own) {
  std::set<std::string> tags;
  for (const auto& part : parts()) {
    EXPECT_FALSE(part.content_type.empty()) << part.name;
    // Reckoned again: the bytes are those of the process's whole life.
    EXPECT_EQ(part.etag, '"' + digest_of(part.content).hex().substr(0, 32) + '"') << part.name;
    EXPECT_TRUE(tags.insert(part.etag).second) << part.name;
  }
}

}  // namespace
}  // namespace kiln::coordinator::page
