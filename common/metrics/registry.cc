#include "common/metrics/registry.h"

#include <exception>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/base/check.h"

namespace kiln::metrics {
namespace {

prometheus::Labels converted(const Labels& labels) {
  return prometheus::Labels(labels.begin(), labels.end());
}

// The library throws for a malformed name or a name used for two kinds: a bug of the caller.
template <typename Make>
auto& made(Make&& make) {
  decltype(&make()) metric = nullptr;
  try {
    metric = &make();
  } catch (const std::exception&) {
    metric = nullptr;
  }
  KILN_CHECK(metric != nullptr);
  return *metric;
}

}  // namespace

void Counter::add(double amount) {
  if (counter_ != nullptr) counter_->Increment(amount);
}
void Counter::reach(double total) {
  const double more = total - value();
  if (more > 0) add(more);
}
double Counter::value() const {
  return counter_ == nullptr ? 0 : counter_->Value();
}

void Gauge::set(double value) {
  if (gauge_ != nullptr) gauge_->Set(value);
}
void Gauge::add(double amount) {
  if (gauge_ != nullptr) gauge_->Increment(amount);
}
double Gauge::value() const {
  return gauge_ == nullptr ? 0 : gauge_->Value();
}

void Histogram::observe(double value) {
  if (histogram_ != nullptr) histogram_->Observe(value);
}

std::vector<double> latency_buckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
          0.25,   0.5,     1,      2.5,   5,      10,    30,   60,    150,  400};
}

std::vector<double> memory_buckets() {
  constexpr double kMiB = 1024.0 * 1024.0;
  return {4 * kMiB,   16 * kMiB,   32 * kMiB,   64 * kMiB,   128 * kMiB,  256 * kMiB,
          512 * kMiB, 1024 * kMiB, 2048 * kMiB, 4096 * kMiB, 8192 * kMiB, 16384 * kMiB};
}

struct Registry::Impl {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Registry::~Registry() = default;

Counter Registry::counter(const std::string& name, const std::string& help, const Labels& labels) {
  return Counter(made([&]() -> prometheus::Counter& {
    auto builder = prometheus::BuildCounter().Name(name).Help(help);
    return builder.Register(impl_->registry).Add(converted(labels));
  }));
}

Gauge Registry::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return Gauge(made([&]() -> prometheus::Gauge& {
    auto builder = prometheus::BuildGauge().Name(name).Help(help);
    return builder.Register(impl_->registry).Add(converted(labels));
  }));
}

void Registry::drop(const std::string& name, const std::string& help, Counter counter) {
  if (counter.counter_ == nullptr) return;
  auto builder = prometheus::BuildCounter().Name(name).Help(help);
  builder.Register(impl_->registry).Remove(counter.counter_);
}

void Registry::drop(const std::string& name, const std::string& help, Gauge gauge) {
  if (gauge.gauge_ == nullptr) return;
  auto builder = prometheus::BuildGauge().Name(name).Help(help);
  builder.Register(impl_->registry).Remove(gauge.gauge_);
}

void Registry::drop(const std::string& name, const std::string& help, Histogram histogram) {
  if (histogram.histogram_ == nullptr) return;
  auto builder = prometheus::BuildHistogram().Name(name).Help(help);
  builder.Register(impl_->registry).Remove(histogram.histogram_);
}

Histogram Registry::histogram(const std::string& name, const std::string& help,
                              const std::vector<double>& bounds, const Labels& labels) {
  return Histogram(made([&]() -> prometheus::Histogram& {
    auto builder = prometheus::BuildHistogram().Name(name).Help(help);
    return builder.Register(impl_->registry).Add(converted(labels), bounds);
  }));
}

CounterFamily::CounterFamily(Registry& registry, std::string metric, std::string help_text,
                             std::string label, const std::vector<std::string_view>& vocabulary)
    : registry_(&registry),
      name_(std::move(metric)),
      help_(std::move(help_text)),
      label_(std::move(label)) {
  for (const auto value : vocabulary) make(value);
}

Counter& CounterFamily::make(std::string_view value) {
  const std::string text(value);
  return made_.emplace(text, registry_->counter(name_, help_, {{label_, text}})).first->second;
}

Counter& CounterFamily::with(std::string_view value) {
  if (const auto found = made_.find(value); found != made_.end()) return found->second;
  const auto other = made_.find(kOther);
  return other != made_.end() ? other->second : make(value);
}

void Registry::set_build_info(const std::string& component, const std::string& version) {
  gauge("kiln_build_info", "What runs here; always 1.",
        {{"component", component}, {"version", version}})
      .set(1);
}

std::string Registry::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace kiln::metrics
