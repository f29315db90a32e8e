#include "coordinator/server/pool_store.h"

#include <utility>

#include "common/base/files.h"
#include "coordinator/server/pool_json.h"

namespace kiln::coordinator {
namespace {

constexpr Duration kRetry = seconds(5);

Status write_definitions(const std::filesystem::path& file,
                         const std::vector<DefinitionPtr>& definitions) {
  return write_file_atomically(file, definitions_text(definitions), 0600);
}

}  // namespace

PoolStore::PoolStore(net::Reactor& reactor, std::filesystem::path file,
                     std::function<void(const Error&)> failed)
    : reactor_(reactor), file_(std::move(file)), failed_(std::move(failed)) {}

PoolStore::~PoolStore() {
  reactor_.cancel(retry_);
  if (!unwritten_) return;
  // Behind the one that may be under way.
  writer_.post([file = file_, definitions = newest_] {
    (void)write_definitions(file, definitions);  // nobody is left to be told
  });
}

Result<std::vector<PoolDefinition>> PoolStore::load(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::vector<PoolDefinition>{};
  // One that cannot even be read, for its rights or its disk, would be overwritten as well.
  const auto text = read_file(file);
  auto definitions = text ? definitions_of(*text) : fail(text.error());
  if (definitions) return definitions;
  const auto aside = file.string() + ".unreadable";
  std::filesystem::rename(file, aside, error);
  return fail(Errc::corrupt, "cannot read the pools in " + file.string() + ": " +
                                 definitions.error().message + "; it is now " + aside +
                                 ", and pools are learned from the workers");
}

void PoolStore::store(std::vector<DefinitionPtr> definitions) {
  newest_ = std::move(definitions);
  unwritten_ = true;
  if (!writing_) write();
}

void PoolStore::write() {
  reactor_.cancel(std::exchange(retry_, 0));
  writing_ = true;
  unwritten_ = false;
  const auto status = std::make_shared<Status>();
  const auto work = [status, file = file_, definitions = newest_] {
    *status = write_definitions(file, definitions);
  };
  reactor_.offload(writer_, work, [this, alive = std::weak_ptr<bool>(alive_), status] {
    if (!alive.expired()) written(*status);
  });
}

void PoolStore::written(const Status& status) {
  writing_ = false;
  if (!status) {
    failed_(status.error());
    unwritten_ = true;
    retry_ = reactor_.call_after(kRetry, [this] {
      retry_ = 0;
      write();
    });
    return;
  }
  if (unwritten_) write();
}

}  // namespace kiln::coordinator
