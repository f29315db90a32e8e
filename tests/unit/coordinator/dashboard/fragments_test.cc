#include "coordinator/dashboard/fragments.h"

#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

void put_all(Fragments& fragments, std::uint64_t look,
             const std::map<std::string, std::string>& all) {
  fragments.begin(look);
  for (const auto& [key, text] : all) fragments.put(key, text);
  fragments.end();
}

TEST(Fragments, tell_what_changed_since) {
  Fragments fragments;
  put_all(fragments, 5, {{"a", "1"}, {"b", "2"}});
  put_all(fragments, 6, {{"a", "1"}, {"b", "3"}, {"c", "4"}});
  EXPECT_EQ(fragments.changed(0), "1,3,4");
  EXPECT_EQ(fragments.changed(5), "3,4");
  EXPECT_EQ(fragments.changed(6), "");
}

TEST(Fragments, tell_what_went_unless_it_came_back) {
  Fragments fragments;
  put_all(fragments, 5, {{"a", "1"}, {"b", "2"}});
  put_all(fragments, 6, {});
  put_all(fragments, 7, {{"b", "2"}});
  EXPECT_EQ(fragments.gone(5), "a");
  EXPECT_EQ(fragments.gone(6), "");
  EXPECT_EQ(fragments.changed(5), "2") << "it may differ from what was there before";
}

TEST(Fragments, know_what_they_have_forgotten) {
  Fragments fragments(1);
  put_all(fragments, 5, {{"a", "1"}, {"b", "2"}});
  put_all(fragments, 6, {{"b", "2"}});
  EXPECT_TRUE(fragments.remembers(5));
  put_all(fragments, 7, {});
  EXPECT_FALSE(fragments.remembers(5));
  EXPECT_TRUE(fragments.remembers(6));
}

}  // namespace
}  // namespace kiln::coordinator
