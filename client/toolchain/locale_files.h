// The files of the C library's localisation that a compiler run reads: without them its ‘quotes’
// and its language change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/arguments/classify.h"

namespace kiln::client {

struct LocaleQuery {
  Environment environment;
  std::vector<std::string> prefixes;  // of the programs, for PREFIX/share/locale
  std::vector<std::string> domains;   // message catalogues without .mo: "gcc-12", "gas"
  std::string c_library;              // path of libc.so.6, beside which gconv lives; empty: static
  bool charsets = false;              // always take the gconv modules
};

// The names under which the C library looks for locale `name`, most specific first: for
// de_DE.UTF-8 these are de_DE.UTF-8, de_DE.utf8, de_DE, de.UTF-8, de.utf8 and de.
std::vector<std::string> locale_variants(std::string_view name);

struct LocaleFiles {
  std::vector<std::string> files;    // absolute, existing, sorted
  std::vector<std::string> watched;  // directories in which more of them could appear
};

// The existing files: compiled locales of LC_ALL, LC_* and LANG, message catalogues of
// these and of LANGUAGE, the zone file of TZ. gconv modules (8 MB) only when the locale's character
// set is neither ASCII nor UTF-8, which need none, or when `charsets` asks.
LocaleFiles locale_files(const LocaleQuery& query);

}  // namespace kiln::client
