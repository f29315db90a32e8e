// The half of RemoteUnit that brings the worker what it lacks.
#include <algorithm>
#include <utility>
#include <vector>

#include "client/agent/remote_unit.h"
#include "common/model/log_id.h"

namespace kiln::client {
namespace {

// Uploads of one attempt that are tried again after their connection broke.
constexpr int kUploadsAgain = 2;

}  // namespace

void RemoteUnit::need(const wire::Need& message) {
  farm_.logs.tasks.debug("blobs_needed",
                         {{"attempt", log_id(attempt_)}, {"blobs", message.digests.size()}});
  for (const auto& digest : message.digests) {
    if (!uploading_.contains(digest)) needed_.insert(digest);
  }
  supply_next();
}

// One message's worth at a time, so that a large tree is never in memory as a whole.
void RemoteUnit::supply_next() {
  if (needed_.empty() || std::exchange(supplying_, true)) return;
  auto delivery = std::make_shared<Delivery>();
  std::vector<Digest> wanted(needed_.begin(), needed_.end());
  needed_.clear();
  farm_.reactor.offload(
      farm_.io,
      [unit = unit_, delivery, wanted = std::move(wanted)] { *delivery = deliver(*unit, wanted); },
      guarded([this, delivery] { supply(delivery); }));
}

void RemoteUnit::supply(const std::shared_ptr<Delivery>& delivery) {
  if (link_ == nullptr) return;
  if (!delivery->parcel.blobs.empty() || !delivery->missing.empty()) {
    const wire::Supply message{attempt_, delivery->parcel.blobs, delivery->missing};
    const auto sent = link_->send(message, delivery->parcel.raw);
    if (!sent && sent.error().code == Errc::resource_exhausted) {
      farm_.reactor.call_after(kSendAgain, guarded([this, delivery] { supply(delivery); }));
      return;
    }
    // Without a connection: the worker asks again when the attempt is reclaimed.
    if (sent) times_.bytes_in += bytes_of(delivery->parcel.raw);
  }
  supplying_ = false;
  for (const auto& file : delivery->uploads) upload(file);
  needed_.insert(delivery->rest.begin(), delivery->rest.end());
  supply_next();
}

void RemoteUnit::upload(const InputFile& file) {
  if (!uploading_.insert(file.digest).second) return;
  farm_.uploads.add(file.digest, file.path);
  link_->bulk().put(file.digest, [&uploads = farm_.uploads, digest = file.digest, size = file.size,
                                  self = self_, attempt = attempt_](const Status& status) {
    uploads.remove(digest);
    RemoteUnit* unit = *self;
    if (unit == nullptr || unit->attempt_ != attempt || unit->link_ == nullptr) return;
    unit->uploading_.erase(digest);
    if (!status) return unit->upload_failed(digest, status.error());
    unit->times_.bytes_in += size;
  });
}

void RemoteUnit::upload_failed(const Digest& digest, const Error& error) {
  farm_.logs.tasks.warning(
      "upload_failed",
      {{"attempt", log_id(attempt_)}, {"blob", digest.short_hex()}, {"error", error}});
  if (error.code == Errc::unavailable && ++uploads_failed_ <= kUploadsAgain) {
    needed_.insert(digest);
    return supply_next();
  }
  tell(wire::Supply{attempt_, {}, {digest}});
}

}  // namespace kiln::client
