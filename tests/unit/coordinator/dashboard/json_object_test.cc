#include "coordinator/dashboard/json_object.h"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace kiln::coordinator {
namespace {

TEST(JsonObject, is_what_a_reader_takes_for_one) {
  JsonObject object;
  object.number("a", std::uint64_t{18446744073709551615U}).text("b", "x\"y\\z\n\x01");
  object.number("c", std::optional<std::uint32_t>()).time("d", -5).member("e", "[1,2]");
  const auto read = nlohmann::json::parse(object.end());
  EXPECT_EQ(read["a"], 18446744073709551615U);
  EXPECT_EQ(read["b"], "x\"y\\z\n\x01");
  EXPECT_EQ(read["c"], nullptr);
  EXPECT_EQ(read["d"], -5);
  EXPECT_EQ(read["e"], nlohmann::json::parse("[1,2]"));
}

TEST(JsonObject, may_be_empty) {
  EXPECT_EQ(JsonObject().end(), "{}");
}

TEST(JsonObject, text_is_made_valid) {
  EXPECT_EQ(quoted("a\xff"
                   "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(quoted("käse"), "\"käse\"");
  EXPECT_EQ(quoted(""), "\"\"");
}

TEST(JsonObject, decimals_are_always_numbers) {
  EXPECT_EQ(decimal(11.06, 1), "11.1");
  EXPECT_EQ(decimal(0, 1), "0.0");
  EXPECT_EQ(decimal(-2, 1), "-2.0");
  EXPECT_EQ(decimal(0.987, 2), "0.99");
  for (const double odd :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
    EXPECT_EQ(decimal(odd, 1), "0");
  }
}

}  // namespace
}  // namespace kiln::coordinator
