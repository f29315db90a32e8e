#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <kiln/client.h>
#include <unistd.h>

#include "client/library/core.h"
#include "client/library/errors.h"
#include "client/library/pool_handle.h"
#include "client/library/pool_text.h"
#include "client/paths/environment.h"
#include "common/model/pool.h"

namespace kiln::v1 {
namespace {

// Asking umask() for it would change it for a moment, for every thread.
std::uint32_t own_umask() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint32_t mask = 0;
    if (word == "Umask:" && status >> std::oct >> mask) return mask;
  }
  return 022;
}

std::string own_directory() {
  std::error_code code;
  return std::filesystem::current_path(code).string();
}

}  // namespace

Result<Client> Client::connect(const Options& options) {
  const Environment own = client::read_environment(environ);
  Core::Setup setup;
  setup.defaults.environment = options.environment.value_or(own);
  // Another environment does not make it another process.
  if (client::is_task_of_kiln(own) || client::is_task_of_kiln(setup.defaults.environment))
    return error_of(
        Failure::inside_task,
        "this is a task of Kiln's (KILN_EXECUTOR is set): it has no agent and makes no pools");
  setup.defaults.cwd = options.cwd.empty() ? own_directory() : options.cwd;
  setup.defaults.umask = own_umask();
  setup.defaults.patience = options.patience;
  setup.max_pending = options.max_pending;
  setup.silence = options.silence;
  const auto link = agent_link_of(options, setup.defaults.environment);
  if (!link) return error_of(Failure::invalid_argument, link.error().message);
  setup.open = [link = *link] { return open_session(link); };
  auto core = Core::start(std::move(setup));
  if (!core) return core.error();
  return Client(std::move(*core));
}

Client::Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  close();
  core_ = std::move(other.core_);
  return *this;
}

Client::~Client() {
  close();
}

Result<Pool> Client::new_pool(const PoolSpec& spec, Warm warm, const WarmUp& options) {
  auto handle = std::make_unique<Pool::Handle>(core_, spec.name);
  auto made = handle->ask("create", definition_text(spec, warm));
  if (!made) return made.error();
  const auto status = handle->wait_warm(warm, options, std::move(*made));
  if (!status) return status.error();
  return Pool(std::move(handle));
}

Result<Pool> Client::find_pool(const std::string& name) {
  auto handle = std::make_unique<Pool::Handle>(core_, name);
  const auto status = handle->ask("show");
  if (!status) return status.error();
  return Pool(std::move(handle));
}

Pool Client::default_pool() {
  return Pool(std::make_unique<Pool::Handle>(core_, kDefaultPool));
}

std::size_t Client::pending() const {
  return core_->pending();
}

std::uint64_t Client::dropped_exceptions() const {
  return core_->dropped_exceptions();
}

void Client::close() {
  if (core_) core_->close();
}

}  // namespace kiln::v1
