#include "coordinator/pools/pool_spec.h"

#include <algorithm>
#include <cstdint>

#include "common/model/pool_name.h"
#include "common/model/pool_options.h"
#include "coordinator/pools/node_selector.h"
#include "coordinator/pools/warm_policy.h"

namespace kiln::coordinator {
namespace {

constexpr std::size_t kMaxSteps = 64;
constexpr std::size_t kMaxTerms = 32;
constexpr std::size_t kMaxWindows = 64;
constexpr std::uint32_t kMaxExecutors = 4'096;
constexpr std::uint32_t kMaxWarm = 1'000'000;
constexpr std::uint64_t kMaxInitMs = 3'600'000;
constexpr std::uint64_t kMaxIdleMs = std::uint64_t{30} * 24 * 3'600'000;
constexpr std::uint8_t kAllDays = 0x7f;

tl::unexpected<Error> wrong(const std::string& field, const std::string& why) {
  return fail(Errc::invalid_argument, field + ": " + why);
}

std::string number_text(std::uint64_t value) {
  return std::to_string(value);
}

Status at_most(const std::string& field, std::uint64_t value, std::uint64_t limit,
               std::string (*text)(std::uint64_t) = number_text) {
  if (value <= limit) return {};
  return wrong(field, text(value) + " is too much, at most " + text(limit));
}

bool is_absolute(const std::string& path) {
  return !path.empty() && path.front() == '/';
}

Status check_command(const std::string& field, const std::vector<std::string>& argv) {
  if (!argv.empty() && !argv.front().empty()) return {};
  return wrong(field, "a command needs a program");
}

Status check_initializer(const PoolSpec& spec) {
  KILN_TRY(at_most("--init", spec.init.size(), kMaxSteps));
  for (const auto& step : spec.init) KILN_TRY(check_command("--init", step));
  if (!spec.probe.empty()) KILN_TRY(check_command("--probe", spec.probe));
  if (spec.init_limit_ms == 0) return wrong("--init-timeout", "the initializer needs some time");
  KILN_TRY(at_most("--init-timeout", spec.init_limit_ms, kMaxInitMs, duration_text));
  for (const auto& path : spec.keep_resident) {
    if (!is_absolute(path)) return wrong("--keep", "\"" + path + "\" is no absolute path");
  }
  for (const auto& variable : spec.environment) {
    if (variable.first.empty() || variable.first.find('=') != std::string::npos) {
      return wrong("--env", "\"" + variable.first + "\" is no variable's name");
    }
  }
  if (!spec.toolchains.empty()) return {};
  const char* needy = !spec.init.empty()            ? "--init"
                      : !spec.probe.empty()         ? "--probe"
                      : !spec.keep_resident.empty() ? "--keep"
                                                    : nullptr;
  if (needy == nullptr) return {};
  return wrong(needy,
               "it needs the root of a toolchain, and the pool has none; name one by --toolchain");
}

Status check_windows(const PoolSpec& spec) {
  KILN_TRY(at_most("--window", spec.windows.size(), kMaxWindows));
  for (const auto& window : spec.windows) {
    if (window.days == 0 || window.days > kAllDays) {
      return wrong("--window", "a window needs at least one day of the week");
    }
    if (window.from_minute >= kMinutesOfDay || window.to_minute >= kMinutesOfDay) {
      return wrong("--window", "a time is before 24:00 (a window until midnight ends at 0:00)");
    }
    KILN_TRY(at_most("--window", window.ready, kMaxWarm));
  }
  return {};
}

bool has_zero_byte(const PoolSpec& spec) {
  const auto fields = fields_of(spec);
  return std::any_of(fields.begin(), fields.end(), [](const auto& field) {
    return field.second.find('\0') != std::string::npos;
  });
}

}  // namespace

Status check_toolchains(const std::vector<PoolToolchain>& toolchains) {
  KILN_TRY(at_most("toolchains", toolchains.size(), kMaxToolchains));
  for (const auto& toolchain : toolchains) {
    if (toolchain.architecture.empty() || toolchain.digest == Digest{}) {
      return wrong("toolchains", "\"" + toolchain.name + "\" needs an architecture and a digest");
    }
    if (!is_absolute(toolchain.program)) {
      return wrong("toolchains", "the program of \"" + toolchain.name + "\", \"" +
                                     toolchain.program + "\", is no absolute path");
    }
  }
  return {};
}

Status check_spec(const PoolSpec& spec) {
  if (!is_pool_name(spec.name)) {
    return wrong("name", "\"" + spec.name +
                             "\" is no pool's name: up to 64 letters, digits and "
                             "\"._-\", a letter or digit first");
  }
  KILN_TRY(check_toolchains(spec.toolchains));
  KILN_TRY(check_initializer(spec));
  KILN_TRY(at_most("executors", spec.executors, kMaxExecutors));
  KILN_TRY(at_most("nodes", spec.nodes.size(), kMaxTerms));
  if (const auto selector = NodeSelector::parse(spec.nodes); !selector) {
    return fail(selector.error().within("nodes"));
  }
  KILN_TRY(at_most("--min-warm", spec.min_warm, kMaxWarm));
  KILN_TRY(check_windows(spec));
  KILN_TRY(at_most("--idle", spec.idle_ms, kMaxIdleMs, duration_text));
  KILN_TRY(at_most("bytes of text in all", text_bytes(spec), kMaxSpecBytes));
  if (has_zero_byte(spec)) return wrong("text", "no argument or path may hold a zero byte");
  return {};
}

}  // namespace kiln::coordinator
