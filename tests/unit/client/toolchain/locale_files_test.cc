#include "client/toolchain/locale_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/toolchain/temporary_directory.h"

namespace kiln::client {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::Not;

TEST(LocaleVariants, go_from_special_to_general) {
  EXPECT_THAT(locale_variants("de_DE.UTF-8"),
              ElementsAre("de_DE.UTF-8", "de_DE.utf8", "de_DE", "de.UTF-8", "de.utf8", "de"));
  EXPECT_THAT(locale_variants("C.utf8"), ElementsAre("C.utf8", "C"));
  EXPECT_THAT(locale_variants("fr@euro"), ElementsAre("fr@euro", "fr"));
  EXPECT_THAT(locale_variants("x.8859-1"), ElementsAre("x.8859-1", "x.iso88591", "x"));
  EXPECT_THAT(locale_variants(""), IsEmpty());
}

TEST(LocaleFiles, needs_nothing_in_the_c_locale) {
  LocaleQuery query;
  EXPECT_THAT(locale_files(query).files, IsEmpty());
  query.environment = {{"LANG", "de_DE.UTF-8"}, {"LC_ALL", "C"}, {"LANGUAGE", "de"}};
  EXPECT_THAT(locale_files(query).files, IsEmpty());
}

TEST(LocaleFiles, takes_the_compiled_locale_and_watches_its_place) {
  const TemporaryDirectory directory;
  const std::string type = directory.write("xx_YY.utf8/LC_CTYPE", "type");
  const std::string messages = directory.write("xx_YY.utf8/LC_MESSAGES/SYS_LC_MESSAGES", "yes");
  directory.write("zz.utf8/LC_CTYPE", "another");
  LocaleQuery query;
  query.environment = {{"LC_CTYPE", "xx_YY.UTF-8"}, {"LOCPATH", directory.string()}};
  const LocaleFiles found = locale_files(query);
  EXPECT_THAT(found.files, ElementsAre(type, messages));
  EXPECT_THAT(found.watched, Contains(directory.string()));
}

TEST(LocaleFiles, takes_catalogues_of_the_language_chain) {
  const TemporaryDirectory directory;
  const std::string first = directory.write("share/locale/fr/LC_MESSAGES/gcc-12.mo", "fr");
  const std::string second = directory.write("share/locale/de_DE/LC_MESSAGES/gas.mo", "de");
  directory.write("share/locale/de/LC_MESSAGES/mailer.mo", "not of a compiler");
  directory.write("share/locale/pl/LC_MESSAGES/gas.mo", "not asked for");
  LocaleQuery query;
  query.environment = {{"LANG", "de_DE.UTF-8"}, {"LANGUAGE", "fr:it"}};
  query.prefixes = {directory.string()};
  query.domains = {"gcc-12", "gas"};
  const LocaleFiles found = locale_files(query);
  EXPECT_THAT(found.files, Contains(first));
  EXPECT_THAT(found.files, Contains(second));
  EXPECT_THAT(found.files, Not(Contains(EndsWith("mailer.mo"))));
  EXPECT_THAT(found.files, Not(Contains(EndsWith("pl/LC_MESSAGES/gas.mo"))));
  EXPECT_THAT(found.watched, Contains((directory / "share/locale").string()));
}

TEST(LocaleFiles, takes_gconv_modules_only_when_they_are_needed) {
  const TemporaryDirectory directory;
  LocaleQuery query;
  query.c_library = directory.write("libc.so.6", "");
  const std::string module = directory.write("gconv/ISO8859-1.so", "");
  query.environment = {{"LC_ALL", "C.UTF-8"}};
  EXPECT_THAT(locale_files(query).files, Not(Contains(module)));
  query.charsets = true;
  EXPECT_THAT(locale_files(query).files, Contains(module));
}

TEST(LocaleFiles, takes_the_zone_that_tz_names) {
  LocaleQuery query;
  query.environment = {{"TZ", ":Europe/Berlin"}};
  EXPECT_THAT(locale_files(query).files, ElementsAre("/usr/share/zoneinfo/Europe/Berlin"));
  query.environment = {{"TZ", "../../../etc/passwd"}};
  EXPECT_THAT(locale_files(query).files, IsEmpty());
}

}  // namespace
}  // namespace kiln::client
