#include "worker/server/pool_desk.h"

#include <chrono>
#include <utility>
#include <variant>

#include "common/base/files.h"
#include "common/wire/codec.h"
#include "common/wire/stream.h"

namespace kiln::worker {
namespace {

constexpr Duration kReportInterval = milliseconds(100);

std::uint64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(now).count());
}

// The file is one message as it travels, so that what the wire learns the disk knows.
Result<std::vector<PoolDefinition>> read_definitions(const std::filesystem::path& file) {
  KILN_TRY_ASSIGN(const auto bytes, read_file(file));
  wire::StreamDecoder decoder;
  KILN_TRY(decoder.feed(bytes));
  auto frames = decoder.next();
  if (!frames) return fail(Errc::corrupt, "it is cut short");
  KILN_TRY_ASSIGN(auto envelope, wire::decode(std::move(*frames)));
  auto* report = std::get_if<wire::PoolReport>(&envelope.message);
  if (report == nullptr) return fail(Errc::corrupt, "it holds no definitions of pools");
  return std::move(report->definitions);
}

}  // namespace

PoolDesk::PoolDesk(const Parts& parts, std::filesystem::path file, TaskServer& tasks, Send send)
    : parts_(parts), file_(std::move(file)), tasks_(tasks), send_(std::move(send)) {
  load();
}

PoolDesk::~PoolDesk() {
  if (timer_ != 0) parts_.reactor.cancel(timer_);
}

void PoolDesk::load() {
  std::error_code none;
  if (!std::filesystem::exists(file_, none)) return;
  const auto known = read_definitions(file_);
  if (known) return book_.learn(*known, seconds_since_1970());
  parts_.log.warning("pools_not_read", {{"file", file_.string()}, {"error", known.error()}});
}

void PoolDesk::save() {
  wire::PoolReport kept;
  kept.definitions = book_.definitions();
  parts_.reactor.offload(
      parts_.disk,
      [file = file_, log = parts_.log, bytes = wire::pack_stream(wire::encode(kept))] {
        const auto written = write_file_atomically(file, bytes, 0644);
        if (!written) log.warning("pools_not_kept", {{"error", written.error()}});
      },
      [] {});
}

void PoolDesk::ordered(const std::string& coordinator, const wire::PoolOrders& orders) {
  const auto changes = book_.apply(coordinator, orders.coordinator_epoch, orders.complete,
                                   orders.orders, seconds_since_1970());
  if (changes.definitions) {
    save();
    news_ = true;
  }
  for (const auto& pool : changes.terms) tasks_.configure_pool(book_.terms(pool));
  for (const auto& wish : changes.wishes) {
    parts_.log.debug("pool_wished", {{"pool", wish.pool}, {"from", coordinator}});
    tasks_.carry_out_wish(wish.pool, wish.wish, wish.warm);
  }
  // Whoever ordered waits for a word, also when nothing had to be done.
  for (const auto& order : orders.orders) changed_.insert(order.definition.spec.name);
  if (!orders.orders.empty()) report_at(parts_.reactor.now());
}

void PoolDesk::look_after(const std::string& coordinator, bool here) {
  if (here) return book_.here(coordinator);
  const auto now_s = seconds_since_1970();
  book_.gone(coordinator, now_s);
  for (const auto& pool : book_.forget_gone(now_s)) {
    parts_.log.info("pool_let_go", {{"pool", pool}, {"coordinator", coordinator}});
    tasks_.configure_pool(book_.terms(pool));
  }
}

void PoolDesk::changed(const std::string& pool) {
  changed_.insert(pool);
  report_at(parts_.reactor.now() + kReportInterval);
}

void PoolDesk::report_at(TimePoint when) {
  if (timer_ != 0 && due_ <= when) return;
  if (timer_ != 0) parts_.reactor.cancel(timer_);
  due_ = when;
  timer_ = parts_.reactor.call_at(when, [this] { report(); });
}

void PoolDesk::report() {
  timer_ = 0;
  wire::PoolReport told;
  for (const auto& pool : std::exchange(changed_, {})) told.pools.push_back(tasks_.pool(pool));
  // From one coordinator, the others have not heard of it.
  if (std::exchange(news_, false)) told.definitions = book_.definitions();
  send_(told);
}

wire::PoolReport PoolDesk::complete() const {
  wire::PoolReport told;
  told.complete = true;
  for (const auto& pool : tasks_.pools()) told.pools.push_back(tasks_.pool(pool));
  told.definitions = book_.definitions();
  return told;
}

}  // namespace kiln::worker
